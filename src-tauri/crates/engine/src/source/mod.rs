//! What git knows: the commits, trees and files of a project's repository.
//!
//! Owns reading history, comparing trees, writing deterministic checkouts and keying source by content. Refuses to write
//! anything into the user's repository, to run anything the repository configures (hooks, filters, fsmonitor), and to
//! trust anything in it: names are bytes, messages are text of unknown encoding, objects may be corrupt or missing.

mod cache;
mod checkout;
mod compare;
mod delta;
mod dirty;
mod error;
mod fingerprint;
mod git_dir;
mod graph;
mod history;
mod id;
mod lanes;
mod loose;
mod object;
mod objects;
mod oid_table;
mod read;
mod refs;
mod remotes;
mod repo;
mod rewrite;
mod submodule;
#[cfg(test)]
pub(crate) mod testing;
mod tree;
mod writer;

pub use cache::{Checkout, CheckoutCache, Prunable};
pub(crate) use checkout::is_lfs_pointer;
pub use checkout::{CheckoutReport, Gitlink, materialise};
pub use delta::{Change, ChangeKind, Delta, GitlinkChange, delta, materialise_delta};
pub use dirty::{Changes, Dirty, DirtyTree, WorktreeState, changes, dirty_tree, worktree_state};
pub use error::{Result, SourceError};
pub use fingerprint::{files_of, path_key, tree_key};
pub use git_dir::write_git_dir;
pub use graph::{History, LOOKAHEAD, Row};
pub use history::{Step, ancestors};
pub use id::{CommitId, RepoPath, TreeId};
pub use lanes::Edge;
pub use object::{CommitInfo, EntryKind};
pub use read::{FileAt, read_file, read_file_in};
pub use refs::{Head, MAX_REFS, RefKind, RefLabel};
pub use remotes::Remote;
pub use repo::Repo;
pub use tree::Unusable;
pub(crate) use tree::{Budget, Leaf, walk};
pub use writer::Stamp;

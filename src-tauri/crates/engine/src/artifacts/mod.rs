//! Artifacts: code packed into archives, kept by their content.
//!
//! Owns what an archive looks like and where it lies. Equal code gives equal archives, whoever packs it, wherever and when.
//! Refuses to read a work tree (what is packed is a git tree), and to hand out an archive that is not what its name says or
//! that would write outside of the folder it is unpacked to.

mod check;
mod names;
mod pack;
mod store;

pub use check::{Contents, check_entries};
pub use pack::{Archive, LARGE_BYTES, pack};
pub use store::{Store, Stored};

//! What can be typed about data repositories.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `data`, and whose.
#[derive(Debug, Args)]
pub(crate) struct OfData {
    /// Stack whose artifact store is meant; the default one without it
    #[arg(long, global = true, value_name = "STACK")]
    pub(crate) stack: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Data,
}

/// `data`.
#[derive(Debug, Subcommand)]
pub(crate) enum Data {
    /// List the repositories with their branches
    #[command(visible_alias = "ls")]
    List,
    /// Make a repository
    Create {
        /// Name: letters, digits, _ and -, beginning with a letter or digit
        repo: String,
        /// What it is for
        #[arg(long, value_name = "TEXT", default_value = "")]
        description: String,
    },
    /// Delete a repository with all its commits; says first what would go
    Delete {
        /// Repository
        repo: String,
        /// Do it without asking
        #[arg(short, long)]
        yes: bool,
    },
    /// List the branches of a repository, make one, or delete one
    #[command(
        after_help = "Examples:\n  headstart data branch images\n  headstart data branch images try --from master\n  \
            headstart data branch images try --delete"
    )]
    Branch {
        /// Repository
        repo: String,
        /// Branch to make, or to delete
        branch: Option<String>,
        /// Where it begins: a branch of the repository, or a commit; empty without it
        #[arg(long, value_name = "REVISION", requires = "branch", conflicts_with = "delete")]
        from: Option<String>,
        /// Delete it; its commits stay as long as others need them
        #[arg(long, requires = "branch")]
        delete: bool,
    },
    /// Add files to a branch as one commit
    #[command(
        after_help = "Examples:\n  headstart data put images ./photos\n  headstart data put images@try cat.png dog.png --to /animals\n  \
            headstart data put images ./photos --delete / --message 'all of them anew'\n\n\
            Files of a folder go below --to, with the folders they are in; a file goes there under its name.\n\
            Links within a folder stand for what they lead to; others, sockets and devices are left out.\n\
            Ctrl-C leaves everything as it was; it exits with 1 then."
    )]
    Put {
        /// Repository and branch; `master` without one. The branch is made when it is missing
        #[arg(value_name = "REPO[@BRANCH]")]
        place: String,
        /// Files and folders of this machine
        #[arg(required_unless_present = "delete")]
        paths: Vec<PathBuf>,
        /// Folder of the repository
        #[arg(long, value_name = "FOLDER", default_value = "/")]
        to: String,
        /// What the commit says; what was done, by default
        #[arg(short, long)]
        message: Option<String>,
        /// Path that is removed before, with all below it; several by saying it again
        #[arg(long, value_name = "PATH")]
        delete: Vec<String>,
    },
    /// Remove files and folders of a branch as one commit
    #[command(
        visible_alias = "rm",
        after_help = "Example:\n  headstart data remove images /animals/cat.png /old"
    )]
    Remove {
        /// Repository and branch; `master` without one
        #[arg(value_name = "REPO[@BRANCH]")]
        place: String,
        /// Paths in the repository
        #[arg(required = true)]
        paths: Vec<String>,
        /// What the commit says; what was done, by default
        #[arg(short, long)]
        message: Option<String>,
    },
    /// List a folder of a commit
    #[command(
        after_help = "Examples:\n  headstart data files images\n  headstart data files 3fa9c2 /animals --limit 10 --json"
    )]
    Files {
        /// Commit by id or at least 6 digits of it, REPO@BRANCH, or REPO for its `master`
        revision: String,
        /// Folder
        #[arg(default_value = "/")]
        path: String,
        /// Most entries to list
        #[arg(short = 'n', long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Entries to pass over
        #[arg(long, default_value_t = 0)]
        offset: u64,
    },
    /// Print a file of a commit; on a terminal, what can be shown of it
    Cat {
        /// Commit by id or at least 6 digits of it, REPO@BRANCH, or REPO for its `master`
        revision: String,
        /// File
        path: String,
    },
    /// List the commits of a branch, newest first
    Log {
        /// Repository and branch; `master` without one
        #[arg(value_name = "REPO[@BRANCH]")]
        place: String,
        /// Most commits to list
        #[arg(short = 'n', long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Commits to pass over
        #[arg(long, default_value_t = 0)]
        offset: u32,
    },
    /// Say which files differ between two commits, or what one commit changed
    #[command(
        after_help = "Examples:\n  headstart data diff images@master images@try\n  headstart data diff 3fa9c2"
    )]
    Diff {
        /// The older one; the only one is compared with the one before it
        #[arg(value_name = "REVISION")]
        first: String,
        /// The newer one
        #[arg(value_name = "REVISION")]
        second: Option<String>,
        /// Most files to list
        #[arg(short = 'n', long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Files to pass over
        #[arg(long, default_value_t = 0)]
        offset: u64,
    },
    /// Write files of a commit into a folder of this machine
    #[command(after_help = "Example:\n  headstart data export images@master ./out --path /animals")]
    Export {
        /// Commit by id or at least 6 digits of it, REPO@BRANCH, or REPO for its `master`
        revision: String,
        /// Folder, empty or new
        folder: PathBuf,
        /// File or folder of the commit
        #[arg(long, default_value = "/")]
        path: String,
    },
    /// Remove content that nothing uses any more
    Sweep {
        /// Only say what would go
        #[arg(long)]
        dry_run: bool,
    },
}

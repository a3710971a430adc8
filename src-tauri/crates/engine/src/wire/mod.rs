//! What clients see. Every type that crosses to the window or the command line is written here, once; the TypeScript
//! bindings and the `--json` output are both made from these, with the same snake_case names.
//!
//! Units are in the names: `_ms` milliseconds, `_at` milliseconds since the Unix epoch, `bytes` bytes.

mod build;
mod builder;
mod compose;
mod data;
mod datum;
mod error;
mod history;
mod pipeline;
mod plan;
mod project;
mod stack;
mod system;

pub use build::*;
pub use builder::*;
pub use compose::*;
pub use data::*;
pub use datum::*;
pub use error::*;
pub use history::*;
pub use pipeline::*;
pub use plan::*;
pub use project::*;
pub use stack::*;
pub use system::*;

/// Declares a string newtype used as an id.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "bindings", derive(specta::Type))]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// Returns the id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}
id!(
    /// A project's id: 12 hexadecimal digits.
    ProjectId
);
id!(
    /// A build's id: 16 hexadecimal digits.
    BuildId
);

//! Ids of commits and trees, and paths as git knows them: bytes.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};
use std::str::FromStr;

use git2::Oid;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::SourceError;

macro_rules! object_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Oid);

        impl $name {
            /// Returns the first ten hex digits, for people.
            pub fn short(&self) -> String {
                let mut hex = self.to_string();
                hex.truncate(10);
                hex
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = git2::Error;

            fn from_str(hex: &str) -> Result<Self, Self::Err> {
                if hex.len() != 40 {
                    return Err(git2::Error::from_str("an object id has 40 hex digits"));
                }
                Oid::from_str(hex).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let hex = String::deserialize(deserializer)?;
                hex.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

object_id! {
    /// The id of a commit; 40 hex digits as text and in JSON.
    CommitId
}

object_id! {
    /// The id of a tree; two equal ids hold the same files with the same modes and bytes.
    TreeId
}

/// A path inside a repository: relative, separated by `/`, any bytes but NUL; lossy UTF-8 only when shown.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(Vec<u8>);

impl RepoPath {
    /// Wraps the bytes of a path as git stores them.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Normalises a relative path given by a person or a configuration file; absolute paths, `..` that leaves the
    /// root, and NUL are refused.
    pub fn from_relative(path: &Path) -> Result<Self, SourceError> {
        let bad = || SourceError::BadPath {
            path: path.to_string_lossy().into_owned(),
        };
        let mut bytes: Vec<&[u8]> = Vec::new();
        for component in path.components() {
            match component {
                Component::CurDir => {}
                Component::Normal(name) if name.as_bytes().contains(&0) => return Err(bad()),
                Component::Normal(name) => bytes.push(name.as_bytes()),
                Component::ParentDir => drop(bytes.pop().ok_or_else(bad)?),
                Component::RootDir | Component::Prefix(_) => return Err(bad()),
            }
        }
        Ok(Self(bytes.join(&b'/')))
    }

    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the path as the file system takes it.
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// Returns whether this is the root.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the path of `name` below this one.
    #[must_use]
    pub fn join(&self, name: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(self.0.len() + 1 + name.len());
        bytes.extend_from_slice(&self.0);
        if !bytes.is_empty() && !name.is_empty() {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(name);
        Self(bytes)
    }

    /// Returns the components, outermost first.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0
            .split(|byte| *byte == b'/')
            .filter(|component| !component.is_empty())
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy(&self.0);
        // A newline or an escape sequence in a name must not break the line it is printed on.
        for character in text.chars() {
            if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                write!(f, "{character}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

impl Serialize for RepoPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&String::from_utf8_lossy(&self.0))
    }
}

impl<'de> Deserialize<'de> for RepoPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(String::deserialize(deserializer)?.into_bytes()))
    }
}

impl From<&str> for RepoPath {
    fn from(path: &str) -> Self {
        Self(path.as_bytes().to_vec())
    }
}

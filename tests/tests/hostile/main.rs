//! Hostile input: more than a thousand repositories' worth of names, messages, files and words that nobody means well.
//!
//! Each has to end as a clear error or as harmless text: no panic, no control character in anything a client is given, no
//! project and no build that nobody asked for, and no more than a second, in a debug build.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod config_files;
mod datum_specs;
mod log_lines;
mod names;
mod odd_files;
mod pieces;
mod place;
mod words;

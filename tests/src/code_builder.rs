//! The scripts of the official builders, run on this machine: with other folders in the place of `/pfs` and `/app`, and
//! with other programs where that shows better what a script does.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use headstart_engine::datums::builders::{BuilderFiles, official};
use tempfile::TempDir;

/// A builder at work.
pub struct CodeBuilder {
    dir: TempDir,
    files: BuilderFiles,
}

impl CodeBuilder {
    /// Returns the official builder for a language, with an empty source.
    pub fn new(language: &str) -> Self {
        let files = official(language, None).unwrap_or_else(|| panic!("there is a builder for {language}"));
        let dir = TempDir::with_prefix("headstart-builder-")
            .unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let builder = Self { dir, files };
        for folder in ["pfs/source", "pfs/out", "app", "bin"] {
            make(&builder.path(folder));
        }
        builder.write("app/run.sh", &builder.here(&builder.files.run), 0o644);
        builder
    }

    /// Returns the builder's files as they are.
    pub fn files(&self) -> &BuilderFiles {
        &self.files
    }

    /// Returns a path: `pfs/…` and `app/…` are what the scripts know them as.
    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Returns a script with the folders of this machine.
    pub fn here(&self, script: &str) -> String {
        let root = self.dir.path().display();
        script
            .replace("/pfs", &format!("{root}/pfs"))
            .replace(" /app/", &format!(" {root}/app/"))
    }

    /// Writes a file.
    pub fn write(&self, path: &str, text: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;

        let path = self.path(path);
        make(path.parent().unwrap_or(Path::new("/")));
        let written = std::fs::write(&path, text)
            .and_then(|()| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)));
        written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// Writes a file of the source.
    pub fn source(&self, path: &str, text: &str) {
        self.write(&format!("pfs/source/{path}"), text, 0o644);
    }

    /// Puts a program before those of this machine.
    pub fn program(&self, name: &str, script: &str) {
        let text = format!("#!/bin/sh\n{}", self.here(script));
        self.write(&format!("bin/{name}"), &text, 0o755);
    }

    /// Runs `build.sh`, in the folder that its image has it in.
    pub fn build(&self) -> Output {
        self.write("app/build.sh", &self.here(&self.files.build), 0o644);
        self.sh(&["./build.sh"])
    }

    /// Makes what `build.sh` put out the build that `run.sh` sees, and empties `/pfs/out`.
    pub fn commit(&self) {
        let moved = std::fs::rename(self.path("pfs/out"), self.path("pfs/build"));
        moved.unwrap_or_else(|error| panic!("the output cannot be moved: {error}"));
        make(&self.path("pfs/out"));
    }

    /// Runs `run.sh` of the build.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let script = self.path("pfs/build/run.sh").to_string_lossy().into_owned();
        let mut words = vec![script.as_str()];
        words.extend(arguments);
        self.sh(&words)
    }

    fn sh(&self, words: &[&str]) -> Output {
        let path = std::env::var("PATH").unwrap_or_default();
        let temporary = self.path("tmp");
        make(&temporary);
        Command::new("sh")
            .args(words)
            .current_dir(self.path("app"))
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("TMPDIR", temporary)
            .output()
            .unwrap_or_else(|error| panic!("sh did not start: {error}"))
    }

    /// Reads all files of a folder that lie directly in it, sorted by name.
    pub fn outputs(&self) -> Vec<(String, String)> {
        let listed = std::fs::read_dir(self.path("pfs/out"))
            .into_iter()
            .flatten()
            .flatten();
        let mut all: Vec<(String, String)> = listed
            .filter_map(|entry| {
                let text = std::fs::read_to_string(entry.path()).ok()?;
                Some((entry.file_name().into_string().ok()?, text))
            })
            .collect();
        all.sort();
        all
    }
}

/// Checks that a script succeeded, and returns what it printed.
pub fn printed(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, complained) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{}\n{said}\n{complained}", output.status);
    said
}

fn make(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
}

/// Python that pads numbers in the files of `/pfs/in` to four characters, with its argument or zeros.
pub const PADDING_PYTHON: &str = "\
import os, sys

pad = sys.argv[1] if len(sys.argv) > 1 else '0'
for name in sorted(os.listdir('/pfs/in')):
    with open('/pfs/in/' + name) as file:
        number = file.read().strip()
    with open('/pfs/out/' + name, 'w') as file:
        file.write(number.rjust(4, pad))
";

/// The same in Go.
pub const PADDING_GO: &str = "\
package main

import (
	\"os\"
	\"strings\"
)

func main() {
	pad := \"0\"
	if len(os.Args) > 1 {
		pad = os.Args[1]
	}
	files, err := os.ReadDir(\"/pfs/in\")
	if err != nil {
		panic(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(\"/pfs/in/\" + file.Name())
		if err != nil {
			panic(err)
		}
		number := strings.TrimSpace(string(text))
		padded := strings.Repeat(pad, 4-len(number)) + number
		if err := os.WriteFile(\"/pfs/out/\"+file.Name(), []byte(padded), 0o644); err != nil {
			panic(err)
		}
	}
}
";

//! `builder`: what can be typed after it, and what it does.

use std::path::PathBuf;

use clap::Subcommand;
use headstart_engine::Engine;
use headstart_engine::datums::builders;
use headstart_engine::wire::CodeBuilder;

use crate::error::{Failure, Outcome};
use crate::out::{Ink, Out};
use crate::text::plain;

#[derive(Debug, Subcommand)]
pub(crate) enum CodeBuilders {
    /// Write a builder for a language: Dockerfile, build.sh and run.sh
    #[command(after_help = "Examples:\n  headstart builder new python --folder builder\n  \
            headstart builder new python --base python:3.9-slim\n  headstart builder new fortran\n\n\
            There are builders for go, node, python and rust; for another language the files are to be filled in.\n\
            Build and push the image as any other, and name it as `transform.build.image` of a spec.")]
    New {
        /// Language
        language: String,
        /// Folder to write to, made when it is missing; `<language>-builder` by default
        #[arg(long, value_name = "DIR")]
        folder: Option<PathBuf>,
        /// Image that its Dockerfile begins with; what the settings say by default
        #[arg(long, value_name = "IMAGE")]
        base: Option<String>,
    },
}

pub(crate) fn run(out: &Out, engine: &Engine, command: CodeBuilders) -> Result<Outcome, Failure> {
    let CodeBuilders::New {
        language,
        folder,
        base,
    } = command;
    let folder = folder.unwrap_or_else(|| PathBuf::from(format!("{language}-builder")));
    // The engine knows no current directory.
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    let written = builders::create(engine, &language, base.as_deref(), &folder)?;
    if out.json {
        out.value(&written);
    } else {
        tell(out, &written);
    }
    Ok(Outcome::Done)
}

fn tell(out: &Out, written: &CodeBuilder) {
    let official = builders::languages().contains(&written.language.as_str());
    let files = written.files.join(", ");
    out.line(format!("{files} written to {}", plain(&written.folder)));
    out.line(out.ink(Ink::Faint, &format!("begins with {}", plain(&written.base))));
    if !official {
        let what = format!(
            "there is no official builder for {}: fill in build.sh and run.sh",
            plain(&written.language)
        );
        out.line(what);
    }
}

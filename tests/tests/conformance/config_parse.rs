//! `.gitpod.yml`: what is read, and what stands for a document that cannot be.

use anyhow::{Context, Result};
use headstart_engine::recipe::workspace::config::parse;
use serde_json::{Value, json};

use crate::workspace::{FILE, Files, recipe};
use crate::{Case, EXACT};

pub(crate) fn answer(case: &Case) -> Result<Option<Value>> {
    let yaml = case.input["yaml"].as_str().context("the case has no document")?;
    let parsed = parse(FILE, yaml.as_bytes());
    let mut config = serde_json::to_value(&parsed.config)?;
    if let Some(default) = case.input["defaults"]["image"].as_str()
        && parsed.config.image.is_none()
    {
        // The default is no part of the document; it is what the recipe of such a document starts from.
        let mut files = Files::default();
        files.0.insert(FILE.to_owned(), config.to_string());
        config["image"] = json!(recipe(&files, default)?.images().first());
    }
    if case.note.contains("validation errors") {
        anyhow::ensure!(!parsed.usable(), "an invalid document has to be told");
    }
    Ok(Some(json!({ EXACT: config })))
}

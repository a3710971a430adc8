//! What the user can set, kept in the catalogue.

use serde_json::Value;

use crate::datums::builders::checked_language;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::wire::BuilderImage;
pub use crate::wire::Settings;

const KEY: &str = "settings";

/// Returns the settings; what was never set has its default.
pub fn get(engine: &Engine) -> Result<Settings> {
    let stored = engine.catalogue().setting(KEY)?;
    let stored = stored
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or(Value::Null);
    // A setting that a newer version added is missing in what an older one stored.
    let mut merged = serde_json::to_value(Settings::default())
        .map_err(|e| Error::internal("the settings could not be read", e))?;
    lay_over(&mut merged, stored);
    Ok(serde_json::from_value(merged).unwrap_or_default())
}

/// Returns whether a text can stand where a Dockerfile names an image.
pub(crate) fn is_image(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

fn lay_over(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                lay_over(below.entry(key).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (below, above) => *below = above,
    }
}

/// Checks and stores the settings.
pub fn set(engine: &Engine, settings: Settings) -> Result<Settings> {
    let within = |name: &str, value: u32, from: u32, to: u32| {
        if (from..=to).contains(&value) {
            return Ok(());
        }
        Err(Error::refused(
            format!("{name} cannot be {value}"),
            format!("give a number from {from} to {to}"),
        ))
    };
    within("builds at once", settings.concurrency, 1, 32)?;
    within("the time limit in seconds", settings.timeout_s, 10, 7 * 24 * 3600)?;
    within("the history depth", settings.history_depth, 1, 10_000)?;
    within("the longest chain", settings.max_chain, 0, 1_000)?;
    within("the most layers", settings.max_layers, 1, 120)?;
    for hour in [settings.notifications.quiet_from, settings.notifications.quiet_to]
        .into_iter()
        .flatten()
    {
        within("an hour of the day", hour.into(), 0, 23)?;
    }
    if !is_image(&settings.default_image) {
        return Err(Error::refused(
            "the default image is not an image reference",
            "write it as name:tag",
        ));
    }
    let mut languages = std::collections::HashSet::new();
    for BuilderImage { language, image } in &settings.builder_images {
        checked_language(language)?;
        if !is_image(image) {
            return Err(Error::refused(
                format!("the image that the builder for {language} begins with is not an image reference"),
                "write it as name:tag",
            ));
        }
        if !languages.insert(language) {
            return Err(Error::refused(
                format!("the builder for {language} has two images to begin with"),
                "name each language once",
            ));
        }
    }
    let text = serde_json::to_string(&settings)
        .map_err(|e| Error::internal("the settings could not be written", e))?;
    engine.catalogue().set_setting(KEY, &text)?;
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_lies_over_the_defaults() {
        let mut merged = serde_json::json!({"a": 1, "b": {"c": 2, "d": null}});
        lay_over(&mut merged, serde_json::json!({"b": {"d": 4}}));
        assert_eq!(merged, serde_json::json!({"a": 1, "b": {"c": 2, "d": 4}}));
    }
}

//! What differs between two versions of a spec, in words.

use serde_json::Value;

/// Longest value that is shown.
const SHOWN: usize = 60;

/// Lists the fields that differ, one short line each.
pub(super) fn changes(before: &Value, after: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", before, after, &mut found);
    found
}

fn compare(path: &str, before: &Value, after: &Value, found: &mut Vec<String>) {
    if before == after {
        return;
    }
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        found.push(format!("{path}: {} → {}", shown(before), shown(after)));
        return;
    };
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let inner = match path {
            "" => key.clone(),
            path => format!("{path}.{key}"),
        };
        let nothing = Value::Null;
        compare(
            &inner,
            old.get(key).unwrap_or(&nothing),
            new.get(key).unwrap_or(&nothing),
            found,
        );
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => return "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let one_line = crate::text::one_line(&text);
    match one_line.chars().count() > SHOWN {
        true => format!("{}…", one_line.chars().take(SHOWN).collect::<String>()),
        false => one_line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_differs_is_told_with_its_place() {
        let before = json!({"transform": {"image": "a:1", "cmd": ["sh"]}, "datum_tries": 3});
        let after = json!({"transform": {"image": "a:2", "cmd": ["sh"]}, "description": "x"});
        assert_eq!(
            changes(&before, &after),
            [
                "datum_tries: 3 → nothing",
                "description: nothing → x",
                "transform.image: a:1 → a:2"
            ]
        );
    }
}

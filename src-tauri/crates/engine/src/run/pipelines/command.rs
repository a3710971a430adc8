//! The command that runs a step.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::recipe::pipeline::Runs;

/// Imports an object of a module and calls it with the parameters; what it returns is not printed.
const CALL: &str = "\
import importlib, json, sys
module, name, parameters = sys.argv[1:4]
sys.argv = [module]
found = importlib.import_module(module)
for part in name.split('.'):
    found = getattr(found, part)
found(**json.loads(parameters))
";

/// Starts Python under the name that the image has for it.
const PYTHON: &str = "for name in python3 python; do \
    command -v \"$name\" >/dev/null 2>&1 && exec \"$name\" -u -c \"$@\"; done; \
    echo 'this image has no Python, so the step cannot be called; name a command or another image' >&2; exit 127";

/// Returns the words that run a step in a container.
pub(super) fn command(runs: &Runs, parameters: &BTreeMap<String, Value>) -> Vec<String> {
    match runs {
        Runs::Source { module, object } => {
            let parameters = serde_json::to_string(parameters).unwrap_or_else(|_| "{}".to_owned());
            let words = ["sh", "-c", PYTHON, "sh", CALL, module, object, &parameters];
            words.map(str::to_owned).into()
        }
        Runs::Command(words) => words.clone(),
    }
}

/// Returns the parameters as variables, for commands: `HEADSTART_PARAMETER_<NAME>` with text as it is and all else as JSON.
pub(super) fn variables(parameters: &BTreeMap<String, Value>) -> Vec<String> {
    let name = |text: &str| {
        text.chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_uppercase()
                } else {
                    '_'
                }
            })
            .collect::<String>()
    };
    parameters
        .iter()
        .map(|(key, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("HEADSTART_PARAMETER_{}={text}", name(key))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_reach_python_as_json_and_commands_as_variables() {
        let parameters = BTreeMap::from([
            ("rate".to_owned(), Value::from(0.5)),
            ("data-set".to_owned(), Value::from("it's $HOME")),
        ]);
        let runs = Runs::Source {
            module: "train".into(),
            object: "main".into(),
        };
        let words = command(&runs, &parameters);
        assert_eq!(words[5..7], ["train", "main"]);
        assert_eq!(words[7], r#"{"data-set":"it's $HOME","rate":0.5}"#);
        assert_eq!(
            variables(&parameters),
            [
                "HEADSTART_PARAMETER_DATA_SET=it's $HOME",
                "HEADSTART_PARAMETER_RATE=0.5"
            ]
        );
    }
}

//! What a worker's container runs: a shell that reads one line per datum and starts the user's command for it. So many
//! datums share one container, and what one costs beyond its command are a few small programs.

use std::fmt::Write as _;

/// Folder that the user's code sees.
pub(super) const PFS: &str = "/pfs";
/// Where inputs are mounted, read-only.
pub(super) const IN: &str = "/headstart/in";
/// Where outputs are mounted.
pub(super) const OUT: &str = "/headstart/out";
/// Where what builds code keeps its caches.
pub(super) const CACHE: &str = "/headstart/cache";
/// Variables that tell compilers and installers of their caches.
pub(super) const CACHES: [(&str, &str); 6] = [
    ("HEADSTART_CACHE", CACHE),
    ("GOCACHE", "/headstart/cache/go"),
    ("GOMODCACHE", "/headstart/cache/go-modules"),
    ("PIP_CACHE_DIR", "/headstart/cache/pip"),
    ("CARGO_HOME", "/headstart/cache/cargo"),
    ("npm_config_cache", "/headstart/cache/npm"),
];

/// A command with the lines that it reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Command<'a> {
    /// Its words.
    pub(super) words: &'a [String],
    /// Name of a file below [`IN`] with what it reads; none for nothing.
    pub(super) stdin: Option<&'a str>,
}

/// Returns the script of a worker. It reads lines `run|err <mark> <datum>`, and after each datum writes a line
/// `<mark> <exit code>` of its own.
pub(super) fn worker(run: Command<'_>, err: Command<'_>) -> String {
    let function = |name: &str, command: Command<'_>| {
        let words: Vec<String> = command.words.iter().map(|word| quoted(word)).collect();
        let stdin = command
            .stdin
            .map_or_else(|| "/dev/null".to_owned(), |file| format!("{IN}/{file}"));
        let words = match words.is_empty() {
            true => "true".to_owned(),
            false => words.join(" "),
        };
        format!("{name}() {{ exec {words} <{stdin}; }}\n")
    };
    let mut script = function("run", run);
    script.push_str(&function("err", err));
    // Links of the datum before are removed, not what they lead to.
    let _ = write!(
        script,
        "while read -r kind mark id; do\n\
         rm -rf {PFS}/* {OUT}/\"$id\"\n\
         mkdir -p {OUT}/\"$id\" && ln -s {OUT}/\"$id\" {PFS}/out\n\
         ( . {IN}/\"$id\".sh && $kind ) </dev/null 2>&1\n\
         printf '\\n%s %s\\n' \"$mark\" \"$?\"\n\
         done\n"
    );
    script
}

/// The script of the container that has the rights to fill and empty the volumes: it does what lines say, one by one.
pub(super) const CARRIER: &str = "chmod 1777 /headstart/out; [ ! -d /headstart/cache ] || chmod 1777 /headstart/cache; while read -r mark line; do \
     ( eval \"$line\" ) </dev/null 2>&1; printf '\\n%s %s\\n' \"$mark\" \"$?\"; done";

/// Returns a word for a shell.
pub(super) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Returns what a worker reads before a datum: where its inputs are, and variables that tell of it.
pub(super) fn datum(links: &[(String, String)], variables: &[(String, String)]) -> String {
    let mut text = String::new();
    for (name, folder) in links {
        let _ = writeln!(text, "ln -s {IN}/{folder} {PFS}/{name}");
    }
    for (name, value) in variables {
        let _ = writeln!(text, "export {name}={}", quoted(value));
    }
    text
}

/// Returns whether a name can be one of a shell's variables.
pub(super) fn is_variable(name: &str) -> bool {
    let mut letters = name.bytes();
    letters
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && letters.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_one_word_each_whatever_is_in_them() {
        let said = std::process::Command::new("sh")
            .arg("-c")
            .arg(format!(
                "printf '<%s>' {} {} {}",
                quoted("it's"),
                quoted("$(id) `id`"),
                quoted("a\nb")
            ))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stdout), "<it's><$(id) `id`><a\nb>");
    }

    #[test]
    fn the_script_starts_the_command_with_its_input() {
        let words = ["sh".to_owned(), "/pfs/build/run.sh".to_owned(), "it's".to_owned()];
        let run = Command {
            words: &words,
            stdin: Some("stdin"),
        };
        let err = Command {
            words: &[],
            stdin: None,
        };
        insta::assert_snapshot!(worker(run, err), @r#"
        run() { exec 'sh' '/pfs/build/run.sh' 'it'\''s' </headstart/in/stdin; }
        err() { exec true </dev/null; }
        while read -r kind mark id; do
        rm -rf /pfs/* /headstart/out/"$id"
        mkdir -p /headstart/out/"$id" && ln -s /headstart/out/"$id" /pfs/out
        ( . /headstart/in/"$id".sh && $kind ) </dev/null 2>&1
        printf '\n%s %s\n' "$mark" "$?"
        done
        "#);
    }
}

//! Runs what the systems Headstart learned from do, as data, against the engine.
//!
//! Every case of every `*.json` in `conformance/cases` (or in the folder that `HEADSTART_CONFORMANCE_DIR` names) gives one
//! line. Words after `--` choose the cases whose id contains one of them. An area without an adapter is skipped; a case
//! listed in `conformance/deviations.toml` passes only while our answer really is another one. A deviation may also stand for
//! all cases of an area whose input has certain words; of those some may agree.

mod archives;
mod base_selection;
mod checkouts;
mod code_builders;
mod compose;
mod config_parse;
mod datum;
mod datum_lists;
mod datum_runs;
mod datum_specs;
mod pipeline;
mod pipeline_builds;
mod repositories;
mod restore;
mod same_commit;
mod tasks;
mod workspace;

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;
use serde_json::Value;

/// One case, as another system's source or tests have it.
#[derive(Deserialize)]
pub(crate) struct Case {
    id: String,
    area: String,
    title: String,
    input: Value,
    expected: Value,
    #[serde(default)]
    note: String,
}

#[derive(Deserialize)]
struct Cases {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Deviations {
    #[serde(default)]
    deviation: Vec<Deviation>,
}

/// Names a case by its id, or cases by their area and words of which one stands in their input's JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deviation {
    id: Option<String>,
    area: Option<String>,
    #[serde(default)]
    inputs: Vec<String>,
    reason: String,
}

impl Deviation {
    /// Returns whether what it names has to deviate.
    fn is_exact(&self) -> bool {
        self.id.is_some()
    }

    fn names(&self, case: &Case) -> bool {
        let input = case.input.to_string();
        self.id.as_ref() == Some(&case.id)
            || self.area.as_ref() == Some(&case.area) && self.inputs.iter().any(|word| input.contains(word))
    }
}

/// Answers a case by calling the engine; none when the input asks for something this adapter knows nothing of.
type Adapter = fn(&Case) -> Result<Option<Value>>;

fn adapter(area: &str) -> Option<Adapter> {
    Some(match area {
        "base_selection" => base_selection::answer,
        "same_commit" => same_commit::answer,
        "task_command" => tasks::command,
        "task_env" => tasks::env,
        "task_result" => tasks::result,
        "config_parse" => config_parse::answer,
        "restore" => restore::answer,
        "parse_registry" => compose::registry,
        "image_ref" => compose::reference,
        "generate_build" => compose::build,
        "bake_args" => compose::bake,
        "flags" => compose::flags,
        "github_cache" => compose::github_cache,
        "code_archive" => archives::answer,
        "local_repository" => checkouts::local_repository,
        "verify_local_repository" => checkouts::verify,
        "code_reference" => checkouts::code_reference,
        "upload" => checkouts::upload,
        "env_id" => compose::environment,
        "create_build" => pipeline::create,
        "image_key" => pipeline::key,
        "image_lookup" => pipeline::lookup,
        "image_tag" => pipeline::tag,
        "image_name" => pipeline::name,
        "image_build" => pipeline::image_build,
        "code_delivery" => pipeline::delivery,
        "code_delivery_multi_step" => pipeline::delivery_of_steps,
        "verify_custom_build" => pipeline::given,
        "dockerfile" => pipeline::dockerfile,
        "build_context" => pipeline::context,
        "requirements" => pipeline::packages,
        "requirements_order" => pipeline::packages_order,
        "source_files_migration" => pipeline::source_files,
        "settings_validation" => pipeline::validation,
        "settings_defaults" => pipeline::defaults,
        "find_existing_build" => pipeline_builds::find,
        "reuse_gate" => pipeline_builds::gate,
        "build_argument" => pipeline_builds::argument,
        "builder" => code_builders::answer,
        "glob_syntax" => datum::syntax,
        "glob" => datum::glob,
        "glob_capture" => datum::captures,
        "glob_replace" => datum::replaced,
        "pachignore" => datum::ignored,
        "image_tag_warning" => datum::tag_warning,
        "push_images" => datum::pushed,
        "build_flag" => datum::build_flag,
        "build_path" => datum::build_path,
        "parallelism" => datum_specs::parallelism,
        "pipeline_name" => datum_specs::name,
        "defaults" => datum_specs::defaults,
        "spec_validation" => datum_specs::validation,
        "build_spec_validation" => datum_specs::build_validation,
        "datums" => datum_lists::datums,
        "datum_skip" => datum_lists::skipped,
        "build_upload" => datum_runs::upload,
        "update" => datum_runs::update,
        "run" => datum_runs::run,
        "build_transformation" => datum_specs::transformation,
        _ => return None,
    })
}

/// What became of a case.
enum Outcome {
    Pass,
    Deviation(String),
    Fail(String),
    Skip,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--list") {
        return ExitCode::SUCCESS;
    }
    match run(&words) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the chosen cases and returns how many failed.
fn run(words: &[String]) -> Result<usize> {
    let wanted: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let deviations = deviations()?;
    // A panic is an answer too, told on the case's line.
    std::panic::set_hook(Box::new(|_| {}));
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for file in files(&folder()?)? {
        let text = std::fs::read_to_string(&file)?;
        let read: Cases =
            serde_json::from_str(&text).with_context(|| format!("{} is no case file", file.display()))?;
        for case in read.cases {
            if !wanted.is_empty() && !wanted.iter().any(|word| case.id.contains(*word)) {
                continue;
            }
            let (word, more) = match judge(&case, find(&deviations, &case)) {
                Outcome::Pass => ("pass", String::new()),
                Outcome::Deviation(reason) => ("deviation", format!(" ({reason})")),
                Outcome::Fail(why) => ("FAIL", format!(" [{why}]")),
                Outcome::Skip => ("skip", String::new()),
            };
            match word {
                "FAIL" => failed += 1,
                "skip" => skipped += 1,
                _ => passed += 1,
            }
            println!(
                "{word} {} — {}{}",
                one_line(&case.id),
                one_line(&case.title),
                one_line(&more)
            );
        }
    }
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    Ok(failed)
}

fn judge(case: &Case, deviation: Option<&Deviation>) -> Outcome {
    let Some(adapter) = adapter(&case.area) else {
        return Outcome::Skip;
    };
    let answered = catch_unwind(AssertUnwindSafe(|| adapter(case))).unwrap_or_else(|panic| {
        let said = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(anyhow!("panicked: {}", said.unwrap_or_default()))
    });
    let answer = match answered {
        Ok(Some(answer)) => answer,
        Ok(None) => return Outcome::Skip,
        Err(error) => return Outcome::Fail(format!("{error:#}")),
    };
    match (agrees(&case.expected, &answer), deviation) {
        (true, Some(deviation)) if deviation.is_exact() => {
            Outcome::Fail("listed as a deviation but passes".to_owned())
        }
        (true, _) => Outcome::Pass,
        (false, Some(deviation)) => Outcome::Deviation(deviation.reason.clone()),
        (false, None) => Outcome::Fail(format!("expected {}, got {answer}", case.expected)),
    }
}

/// Returns whether an answer has everything that is expected. It may say more than a case asks for, but only at the top:
/// an adapter that is asked for a whole document puts it below one key, or answers with exactly the document.
fn agrees(expected: &Value, answer: &Value) -> bool {
    match (expected, answer) {
        (Value::Object(expected), Value::Object(answer)) if !answer.contains_key(EXACT) => expected
            .iter()
            .all(|(name, value)| answer.get(name) == Some(value)),
        (expected, Value::Object(answer)) if answer.contains_key(EXACT) => {
            answer.get(EXACT) == Some(expected)
        }
        _ => expected == answer,
    }
}

/// Key of an answer that has to be the expected one and nothing more.
pub(crate) const EXACT: &str = "exactly";

fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Where this package's own data lies.
fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance")
}

fn folder() -> Result<PathBuf> {
    let Some(named) = std::env::var_os("HEADSTART_CONFORMANCE_DIR").filter(|named| !named.is_empty()) else {
        return Ok(data().join("cases"));
    };
    let named = PathBuf::from(named);
    // Cargo starts tests in their package's folder; a relative path is usually meant from the repository's root.
    let from_root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(&named);
    let found = [named.clone(), from_root].into_iter().find(|path| path.is_dir());
    found.with_context(|| format!("there is no folder {}", named.display()))
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Returns the deviation that a case is listed as, by its id if there is one.
fn find<'a>(deviations: &'a [Deviation], case: &Case) -> Option<&'a Deviation> {
    let named = || deviations.iter().filter(|deviation| deviation.names(case));
    named()
        .find(|deviation| deviation.is_exact())
        .or_else(|| named().next())
}

fn deviations() -> Result<Vec<Deviation>> {
    let text = std::fs::read_to_string(data().join("deviations.toml"))?;
    let read: Deviations = toml::from_str(&text).context("conformance/deviations.toml cannot be read")?;
    let mut seen = HashSet::new();
    for deviation in &read.deviation {
        let id = deviation.id.as_deref().unwrap_or_default();
        let by_input = deviation.area.is_some() && !deviation.inputs.is_empty();
        anyhow::ensure!(
            deviation.is_exact() != by_input,
            "a deviation has an id, or an area and inputs"
        );
        anyhow::ensure!(
            !deviation.reason.trim().is_empty(),
            "the deviation {id} gives no reason"
        );
        anyhow::ensure!(by_input || seen.insert(id), "the deviation {id} is listed twice");
    }
    Ok(read.deviation)
}

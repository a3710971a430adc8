//! What a spec with a build step becomes: a pipeline that builds its code, and one that runs with what was built.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::glob::Glob;
use super::image::clean;
use super::input::{Input, Pfs};
use super::names::BUILD;
use super::spec::{Place, Spec, set};
use crate::text::one_line;

/// Branch with the code, and the name under which it is seen.
pub const SOURCE: &str = "source";
/// Branch with what was built, and the name under which it is seen.
pub const BUILT: &str = "build";
/// What a builder's image runs, in its working directory.
const BUILD_COMMAND: [&str; 2] = ["sh", "./build.sh"];
/// What a pipeline runs when it names no command.
const RUN_COMMAND: [&str; 2] = ["sh", "/pfs/build/run.sh"];

/// What is submitted for a spec with a build step.
#[derive(Clone, Debug)]
pub struct Transformed {
    /// Repository of the code.
    pub repo: String,
    /// Its branches: the code, and what was built.
    pub branches: [&'static str; 2],
    /// The builder's image.
    pub builder: String,
    /// Pipeline that builds.
    pub build_pipeline: Spec,
    /// Pipeline that was asked for.
    pub pipeline: Spec,
}

/// Returns what is submitted for a spec; none when it has no build step. Languages are turned into images by the caller.
pub fn transformed(spec: &Spec, builder_image: &dyn Fn(&str) -> String) -> Option<Transformed> {
    let step = spec.transform.build.as_ref()?;
    let builder = match (&step.image, &step.language) {
        (Some(image), _) => image.clone(),
        (None, Some(language)) => builder_image(language),
        (None, None) => return None,
    };
    let original = spec.input.clone()?;
    let repo = format!("{}{BUILD}", spec.name);
    let mut pipeline = spec.clone();
    if pipeline.transform.image.is_empty() {
        pipeline.set_image(&builder);
    }
    if pipeline.transform.cmd.is_empty() {
        pipeline.set_cmd(&RUN_COMMAND);
    }
    pipeline.input = Some(Input::Cross(vec![
        whole(&repo, SOURCE)?,
        whole(&repo, BUILT)?,
        original,
    ]));
    let written = spec.json()["input"].clone();
    let crossed = json!({ "cross": [whole_json(&repo, SOURCE), whole_json(&repo, BUILT), written] });
    set(&mut pipeline.raw, "input", crossed);
    Some(Transformed {
        build_pipeline: build_pipeline(spec, &repo, &builder)?,
        branches: [SOURCE, BUILT],
        repo,
        builder,
        pipeline,
    })
}

fn build_pipeline(spec: &Spec, repo: &str, builder: &str) -> Option<Spec> {
    let mut build = Spec::named(repo);
    build.place = spec.place;
    build.document = spec.document;
    build.set_image(builder);
    build.set_cmd(&BUILD_COMMAND);
    build.input = Some(whole(repo, SOURCE)?);
    BUILT.clone_into(&mut build.output_branch);
    // A builder fetches packages exactly when its pipeline may use the network.
    build.network = spec.network;
    if let Some(Value::Object(transform)) = build.raw.get_mut("transform") {
        transform.insert("stdin".to_owned(), json!([]));
    }
    set(&mut build.raw, "parallelism_spec", json!({ "constant": 1 }));
    set(&mut build.raw, "input", whole_json(repo, SOURCE));
    set(&mut build.raw, "output_branch", BUILT.into());
    Some(build)
}

/// Returns a branch as an input with one datum that has all its files.
fn whole(repo: &str, branch: &str) -> Option<Input> {
    Some(Input::Pfs(Pfs {
        name: branch.to_owned(),
        repo: repo.to_owned(),
        branch: branch.to_owned(),
        commit: None,
        glob: Glob::new("/").ok()?,
        glob_text: "/".to_owned(),
        join_on: String::new(),
        outer_join: false,
        group_by: String::new(),
        lazy: false,
        empty_files: false,
        trigger: None,
        place: Place::default(),
    }))
}

fn whole_json(repo: &str, branch: &str) -> Value {
    json!({ "pfs": { "name": branch, "glob": "/", "repo": repo, "branch": branch } })
}

/// Returns the folder that paths in a spec are relative to: that of its file, or the working directory when it was typed.
pub fn spec_folder(location: &str, working_directory: &Path) -> PathBuf {
    let folder = match location {
        "-" | "" => Path::new(""),
        file => Path::new(file).parent().unwrap_or(Path::new("")),
    };
    clean(&working_directory.join(folder))
}

/// Returns the folder of the code of a build step, from the folder of its spec.
pub fn build_folder(path: &str, spec_folder: &Path) -> PathBuf {
    clean(&spec_folder.join(if path.is_empty() { "." } else { path }))
}

/// Returns what is said when that folder is not there.
pub fn no_build_folder(folder: &Path) -> String {
    format!(
        "build path \"{}\" does not exist",
        one_line(&folder.display().to_string())
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::datum::spec::read;

    fn transformed_from(transform: &str) -> Transformed {
        let text = format!(
            "pipeline: {{name: p}}\ntransform: {transform}\ninput: {{pfs: {{repo: in, glob: /*}}}}\n"
        );
        let (specs, problems) = read("p", text.as_bytes());
        assert_eq!(specs.len(), 1, "{problems:?}");
        transformed(&specs[0], &|language| format!("builder/{language}:1")).expect("it has a build step")
    }

    #[test]
    fn code_and_what_was_built_become_inputs_of_the_pipeline() {
        let result = transformed_from("{build: {language: go}}");
        let json = result.pipeline.json();
        assert_eq!(json["transform"]["image"], "builder/go:1");
        assert_eq!(
            json["transform"]["build"]["language"], "go",
            "the build step stays in the spec"
        );
        let inputs = result.pipeline.input.as_ref().expect("inputs");
        let names: Vec<_> = inputs
            .leaves()
            .iter()
            .map(|leaf| format!("{}@{}", leaf.repo(), leaf.branch()))
            .collect();
        assert_eq!(names, ["p_build@source", "p_build@build", "in@master"]);
        assert_eq!(
            json["input"]["cross"][2],
            json!({"pfs": {"repo": "in", "glob": "/*"}})
        );
        let (read_again, problems) = read("p", result.build_pipeline.json().to_string().as_bytes());
        assert!(
            problems
                .iter()
                .all(|problem| problem.severity != crate::wire::Severity::Error),
            "{problems:?}"
        );
        assert_eq!(read_again[0].transform.cmd, result.build_pipeline.transform.cmd);
        assert_eq!(read_again[0].output_branch, "build");
    }

    #[test]
    fn what_the_spec_says_stays() {
        let result = transformed_from("{image: 'a:1', cmd: [x], network: true, build: {image: 'b:1'}}");
        assert_eq!(result.pipeline.transform.image, "a:1");
        assert_eq!(result.pipeline.transform.cmd, ["x"]);
        assert_eq!(result.builder, "b:1");
        assert!(
            result.build_pipeline.network,
            "a builder may do what its pipeline may"
        );
    }

    #[test]
    fn code_lies_beside_its_spec() {
        let folder = spec_folder("sub/../p/spec.json", Path::new("/w"));
        assert_eq!(build_folder("./src", &folder), Path::new("/w/p/src"));
        assert_eq!(
            build_folder("", &spec_folder("-", Path::new("/w"))),
            Path::new("/w")
        );
        assert_eq!(build_folder("/abs", &folder), Path::new("/abs"));
        assert_eq!(build_folder("../../..", &folder), Path::new("/"));
    }
}

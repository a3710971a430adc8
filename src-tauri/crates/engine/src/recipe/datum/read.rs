//! Specs, read with places: what is wrong is told where it stands.

use std::collections::HashSet;

use serde_json::Value;
use serde_saphyr::Spanned;

use super::fields::snake;
use super::image;
use super::input::Input;
use super::names::{wrong_pipeline, wrong_with_build};
use super::read_input::{self, Counted, place};
use super::rest;
use super::spec::{NETWORK, Spec};
use super::transform;
use crate::recipe::yaml::{Node, Reader, Tree};
use crate::wire::Problem;

/// Most specs in a file.
const MAX_SPECS: usize = 100;
/// Problems after which the rest of a file is not read: some of them are errors, as no more warnings are kept.
const MAX_PROBLEMS: usize = 100;
/// Most fields of a spec, several times those that there are.
const MAX_FIELDS: usize = 200;

/// What is asked of specs besides what stands in them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// Where they come from: a file, `-` for what is typed, or an address.
    pub location: &'a str,
    /// Whether their images are built.
    pub build: bool,
    /// Whether their images are pushed under a tag of their own.
    pub push_images: bool,
}

impl Asked<'_> {
    /// Returns whether the specs are on this machine.
    pub fn is_local(&self) -> bool {
        let scheme = self.location.split_once("://").map(|(scheme, _)| scheme);
        !scheme.is_some_and(|scheme| {
            !scheme.is_empty()
                && scheme
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        })
    }
}

/// Reads a file with one or several specs: a stream of JSON, or YAML documents. Returns those that nothing is wrong with,
/// and the problems of all in the order in which they stand. Every problem has a line.
pub fn read(file: &str, bytes: &[u8]) -> (Vec<Spec>, Vec<Problem>) {
    read_for(file, bytes, Asked::default())
}

/// Reads specs like [`read`], and checks them against what is asked besides.
pub fn read_for(file: &str, bytes: &[u8], asked: Asked<'_>) -> (Vec<Spec>, Vec<Problem>) {
    let (specs, mut problems) = match Reader::documents(file, bytes) {
        Ok((mut reader, documents)) => {
            let specs = read_documents(&mut reader, &documents, asked);
            (specs, reader.problems)
        }
        Err(problem) => (Vec::new(), vec![problem]),
    };
    for problem in &mut problems {
        // What is wrong with the file as a whole is told at its beginning.
        problem.line = Some(problem.line.unwrap_or(1).max(1));
        problem.column = Some(problem.column.unwrap_or(1).max(1));
    }
    problems.sort_by_key(|problem| (problem.line, problem.column));
    (specs, problems)
}

fn read_documents(reader: &mut Reader<'_>, documents: &[Node], asked: Asked<'_>) -> Vec<Spec> {
    let nowhere = Spanned::new(
        (),
        serde_saphyr::Location::UNKNOWN,
        serde_saphyr::Location::UNKNOWN,
    );
    if documents.is_empty() {
        reader.error(
            &nowhere,
            "there is no pipeline spec in it",
            "begin with `pipeline: {name: …}`",
        );
    }
    if let Some(first) = documents.first()
        && asked.build
        && asked.push_images
    {
        let message = "`--push-images` is redundant, as it's already enabled with `--build`";
        reader.warning(first, message, "leave one of them out");
    }
    let mut counted = Counted::default();
    let mut specs = Vec::new();
    let mut names = HashSet::new();
    for (index, document) in documents.iter().enumerate() {
        if index == MAX_SPECS {
            reader.error(
                document,
                format!("the file has more than {MAX_SPECS} specs"),
                "split the file",
            );
            break;
        }
        if reader.problems.len() > MAX_PROBLEMS {
            break;
        }
        let before = reader.problems.len();
        let spec = read_one(reader, document, asked, &mut counted);
        let wrong = reader.has_error_since(before);
        if let Some(mut spec) = spec.filter(|_| !wrong) {
            if !names.insert(spec.name.clone()) {
                let message = format!(
                    "the pipeline {} stands there twice; the later spec counts",
                    spec.name
                );
                reader.warning(document, message, "remove one of them");
            }
            spec.document = index;
            specs.push(spec);
        }
    }
    specs
}

/// Reads a spec; what is wrong with it is told, and then what is returned is not to be used.
fn read_one(
    reader: &mut Reader<'_>,
    document: &Node,
    asked: Asked<'_>,
    counted: &mut Counted,
) -> Option<Spec> {
    let Tree::Map(entries) = &document.value else {
        let message = format!(
            "a pipeline spec has to be a mapping, not {}",
            document.value.kind()
        );
        reader.error(document, message, "begin with `pipeline: {name: …}`");
        return None;
    };
    if entries.len() > MAX_FIELDS {
        let message = format!("the spec has more than {MAX_FIELDS} fields");
        reader.error(document, message, "remove those that mean nothing");
        return None;
    }
    let field = |name: &str| {
        let mut found = entries.iter().filter(|(key, _)| snake(&key.value) == name);
        found.next().filter(|(_, node)| node.value != Tree::Null)
    };
    let mut spec = Spec::named("");
    if let Value::Object(raw) = document.value.json() {
        spec.raw = raw;
    }
    name(
        reader,
        document,
        field("pipeline").map(|(_, node)| node),
        &mut spec,
    );
    let transform = field("transform").map(|(_, node)| transform::read(reader, node));
    if transform.is_none() {
        let hint = "add `transform: {image: name:tag, cmd: [...]}`";
        reader.error(document, "pipeline must specify a transform", hint);
    }
    let transform = transform.unwrap_or_default();
    let input = field("input").map(|(_, node)| {
        counted.leaves = 0;
        counted.triggers.clear();
        let before = reader.problems.len();
        let input = read_input::read(reader, &spec.name, node, counted);
        if !reader.has_error_since(before)
            && let Some(input) = &input
        {
            unique(reader, node, input, &mut HashSet::new());
        }
        input
    });
    if input.is_none() && field("spout").is_none() {
        let message = if transform.build.is_some() {
            "no `input` specified"
        } else {
            "no input set"
        };
        reader.error(document, message, "add `input: {pfs: {repo: …, glob: /*}}`");
    }
    spec.input = input.flatten();
    check_asked(reader, document, field("transform").is_some(), &transform, asked);
    check_build(reader, &transform, &spec, field("spout").is_some());
    for (key, node) in entries {
        rest::read(reader, key, node, &mut spec);
    }
    if let Some((_, node)) = field("parallelism_spec") {
        spec.parallelism = rest::parallelism(reader, node, field("service").is_some());
    }
    spec.network = transform.network || spec.annotations.get(NETWORK).is_some_and(|value| value == "true");
    let replaced = asked.build || asked.push_images;
    if let Some(node) = transform.image
        && transform.build.is_none()
        && !replaced
        && !transform.transform.image.is_empty()
        && let Some((message, hint)) = image::tag_warning(&transform.transform.image)
    {
        reader.warning(node, message, &hint);
    }
    spec.transform = transform.transform;
    if spec.transform.image.is_empty() && spec.transform.build.is_none() {
        image::DEFAULT.clone_into(&mut spec.transform.image);
    }
    Some(spec)
}

fn name(reader: &mut Reader<'_>, document: &Node, pipeline: Option<&Node>, spec: &mut Spec) {
    let Some(node) = pipeline else {
        reader.error(document, "no `pipeline` specified", "add `pipeline: {name: …}`");
        return;
    };
    let mut found = None;
    for (key, value) in reader.map("`pipeline`", node) {
        match snake(&key.value).as_str() {
            "name" => found = reader.text("name", value).map(|text| (text, value)),
            // Projects are of later clusters.
            "project" => {}
            _ => reader.unknown_key(key, "in `pipeline`", &["name"]),
        }
    }
    let Some((text, at)) = found.filter(|(text, _)| !text.is_empty()) else {
        if matches!(node.value, Tree::Map(_)) {
            reader.error(node, "no pipeline `name` specified", "add `name: …`");
        }
        return;
    };
    if let Some(message) = wrong_pipeline(&text) {
        reader.error(
            at,
            message,
            "use letters, digits, `_` and `-`, and begin with a letter or a digit",
        );
    }
    spec.name = text;
    spec.place = place(at);
}

/// Checks that names differ where one datum may have files of both. Members of a union never meet.
fn unique(reader: &mut Reader<'_>, node: &Node, input: &Input, names: &mut HashSet<String>) {
    let mut twice = |name: &str, names: &mut HashSet<String>| {
        if !names.insert(name.to_owned()) {
            let message = format!("name \"{name}\" was used more than once");
            reader.error(node, message, "give one of the inputs another `name`");
        }
    };
    match input {
        Input::Pfs(pfs) => twice(&pfs.name, names),
        Input::Cron(cron) => twice(&cron.name, names),
        Input::Cross(inner) | Input::Join(inner) | Input::Group(inner) => {
            for input in inner {
                unique(reader, node, input, names);
            }
        }
        Input::Union(inner) => {
            let before = names.clone();
            for input in inner {
                let mut own = before.clone();
                unique(reader, node, input, &mut own);
                names.extend(own);
            }
        }
    }
}

/// Checks what is asked of the spec besides what stands in it.
fn check_asked(
    reader: &mut Reader<'_>,
    document: &Node,
    transforms: bool,
    transform: &transform::Read<'_>,
    asked: Asked<'_>,
) {
    if let Some(key) = transform.build {
        if !asked.is_local() {
            let message = "cannot use build step-enabled pipelines that aren't local";
            reader.error(key, message, "save the spec beside its code");
        }
        return;
    }
    if asked.build && !asked.is_local() {
        let message = "cannot build pipeline because it is not local";
        reader.error(document, message, "save the spec beside its Dockerfile");
    } else if (asked.build || asked.push_images) && !transforms {
        let hint = "add `transform: {image: name:tag, dockerfile: ./Dockerfile}`";
        reader.error(document, "must specify a pipeline `transform`", hint);
    } else if (asked.build || asked.push_images) && transform.transform.image.is_empty() && transforms {
        let message = "nothing says what the built image is called";
        reader.error(document, message, "add `image: name` to the transform");
    }
}

fn check_build(reader: &mut Reader<'_>, transform: &transform::Read<'_>, spec: &Spec, spout: bool) {
    let Some(key) = transform.build else {
        return;
    };
    if spout {
        let message = "build step-enabled pipelines do not work with spouts";
        reader.error(key, message, "remove one of them");
    }
    if let Some(message) = wrong_with_build(&spec.name)
        && wrong_pipeline(&spec.name).is_none()
    {
        reader.error(key, message, "give the pipeline a shorter name");
    }
    let reserved = |name: &str| name == "build" || name == "source";
    if let Some(input) = &spec.input
        && input.leaves().iter().any(|leaf| reserved(leaf.name()))
    {
        let message = "build step-enabled pipelines cannot have inputs with the name 'build' or 'source', \
                       as they are reserved for build assets";
        reader.error(
            key,
            message,
            "give the input another `name`; without one it has that of its repository",
        );
    }
}

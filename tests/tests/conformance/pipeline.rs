//! Run configs of cases as the engine reads them: settings, images, Dockerfiles, packages and how code gets in.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow};
use headstart_engine::recipe::compose::dockerignore::Ignore;
use headstart_engine::recipe::compose::reference::names_registry;
use headstart_engine::recipe::pipeline::delivery::{Needs, needs};
use headstart_engine::recipe::pipeline::given::{GivenBuild, GivenError, GivenWarning, Wanted, verify};
use headstart_engine::recipe::pipeline::names::{COMPONENT, image_key, image_name, image_of, image_tag};
use headstart_engine::recipe::pipeline::requirements::Origin;
use headstart_engine::recipe::pipeline::settings::{DockerSettings, REFUSED};
use headstart_engine::recipe::pipeline::{Pipeline, PipelineImage, Surroundings};
use headstart_engine::recipe::{Dialect, Images, Options, Recipe, RecipeError};
use headstart_engine::wire::Delivery;
use headstart_tests::Files;
use serde_json::{Map, Value, json};

use crate::Case;
use crate::base_selection::texts;
use crate::workspace::PLATFORM;

const FILE: &str = "run.yaml";
const PARENT: &str = "image:tag";

/// A run config of a case, with the files of its commit.
struct Config {
    docker: Map<String, Value>,
    steps: Vec<(String, Map<String, Value>)>,
    files: Files,
    usable: bool,
    frozen: Option<&'static str>,
}

impl Config {
    /// Returns a config with nothing but a parent image.
    fn new() -> Self {
        let mut files = Files::default();
        files.0.insert("main.py".into(), "flow = print\n".into());
        Self {
            docker: Map::from_iter([("parent_image".to_owned(), json!(PARENT))]),
            steps: Vec::new(),
            files,
            usable: false,
            frozen: None,
        }
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.docker.insert(name.to_owned(), value.into());
        self
    }

    fn file(mut self, path: &str, text: &str) -> Self {
        self.files.0.insert(path.to_owned(), text.to_owned());
        self
    }

    fn step(mut self, name: &str, docker: Map<String, Value>) -> Self {
        self.steps.push((name.to_owned(), docker));
        self
    }

    fn recipe(&self) -> Result<Box<dyn Recipe>, RecipeError> {
        let mut config = json!({ "pipeline": "main.flow", "settings": { "docker": self.docker } });
        for (name, docker) in &self.steps {
            config["steps"][name] = json!({ "settings": { "docker": docker } });
        }
        // JSON is YAML, so this goes through the engine's own reader.
        read(&config.to_string(), &self.files)
    }

    fn images(&self) -> Result<Vec<PipelineImage>, String> {
        let recipe = self.recipe().map_err(|error| message(&error))?;
        let pipeline = recipe.pipeline().ok_or("the recipe is no pipeline")?;
        let around = Surroundings {
            requirements: &[],
            apt_packages: &[],
            environment: &[],
            integrations: &[],
            repository_usable: self.usable,
            images: &Images::new(),
            platform: PLATFORM,
            ca_bundle: None,
            frozen: self.frozen,
        };
        pipeline.resolve(None, &around)
    }

    fn image(&self) -> Result<PipelineImage> {
        let mut images = self.images().map_err(|error| anyhow!(error))?;
        anyhow::ensure!(images.len() == 1, "{} images instead of one", images.len());
        Ok(images.remove(0))
    }

    /// Returns the image's Dockerfile.
    fn dockerfile(&self) -> Result<String> {
        self.image()?.dockerfile.context("there is no Dockerfile")
    }
}

fn read(text: &str, files: &Files) -> Result<Box<dyn Recipe>, RecipeError> {
    let options = Options {
        default_image: String::new(),
        repository: "repository".to_owned(),
        prefix: String::new(),
    };
    let mut files = files.clone();
    files.0.insert(FILE.to_owned(), text.to_owned());
    Pipeline.read(FILE, &files, &options)
}

/// Returns what the first error of a file says, without its place.
fn message(error: &RecipeError) -> String {
    let problems = error.problems().iter();
    let mut errors = problems.filter(|problem| problem.severity == headstart_engine::wire::Severity::Error);
    errors
        .next()
        .map_or_else(|| error.to_string(), |problem| problem.message.clone())
}

pub(crate) fn defaults(case: &Case) -> Result<Option<Value>> {
    let mut answer = serde_json::to_value(DockerSettings::default())?;
    for name in REFUSED {
        answer[name] = Value::Null;
    }
    // "pip (later: uv)" says when the default changed.
    let expected = &case.expected["python_package_installer"];
    let own = answer["python_package_installer"].as_str().unwrap_or_default();
    if expected
        .as_str()
        .is_some_and(|text| text.starts_with(&format!("{own} (")))
    {
        answer["python_package_installer"] = expected.clone();
    }
    Ok(Some(answer))
}

pub(crate) fn source_files(case: &Case) -> Result<Option<Value>> {
    let recipe = match Config::new()
        .with("source_files", case.input["source_files"].clone())
        .recipe()
    {
        Ok(recipe) => recipe,
        Err(error) => return Ok(Some(json!({ "error": message(&error) }))),
    };
    let steps = recipe.pipeline().context("no pipeline")?.steps(None);
    let allowed = steps.map_err(|error| anyhow!(error))?[0].allowed;
    Ok(Some(json!([
        allowed.include,
        allowed.repository,
        allowed.artifact_store
    ])))
}

pub(crate) fn validation(case: &Case) -> Result<Option<Value>> {
    let mut config = Config::new().file("Dockerfile", "FROM image:tag\n");
    // A Dockerfile is there, so that a parent image is needed only for what needs one.
    config.docker = Map::from_iter([("dockerfile".to_owned(), json!("Dockerfile"))]);
    for (name, value) in case.input.as_object().context("settings are a mapping")? {
        config = config.with(name, value.clone());
    }
    Ok(Some(json!({ "valid": config.recipe().is_ok() })))
}

pub(crate) fn key(case: &Case) -> Result<Option<Value>> {
    let component = case.input["component"].as_str().context("no component")?;
    Ok(Some(image_key(component, case.input["step"].as_str()).into()))
}

pub(crate) fn lookup(case: &Case) -> Result<Option<Value>> {
    let images: BTreeMap<String, Value> = serde_json::from_value(case.input["images"].clone())?;
    let component = case.input["component"].as_str().context("no component")?;
    Ok(Some(
        match image_of(&images, component, case.input["step"].as_str()) {
            Ok(image) => image.clone(),
            Err(missing) => json!({ "error": format!("Unable to find image for key {}.", missing.key) }),
        },
    ))
}

pub(crate) fn tag(case: &Case) -> Result<Option<Value>> {
    let text = |name: &str| case.input[name].as_str();
    let pipeline = text("pipeline").context("no pipeline")?;
    let component = text("key").context("no key")?;
    Ok(Some(image_tag(pipeline, text("step"), component).into()))
}

pub(crate) fn name(case: &Case) -> Result<Option<Value>> {
    let registry = &case.input["container_registry"];
    Ok(Some(
        image_name(
            registry["uri"].as_str(),
            case.input["target_repository"].as_str(),
            registry["default_repository"].as_str(),
            "zenml",
            case.input["tag"].as_str().context("no tag")?,
        )
        .into(),
    ))
}

fn needs_of(images: &[PipelineImage]) -> Needs {
    let steps: Vec<_> = images.iter().flat_map(|image| image.deliveries.clone()).collect();
    needs(&steps)
}

fn shown(needs: Needs) -> Value {
    json!({
        "requires_included_code": needs.included,
        "requires_code_repository": needs.repository,
        "download_possible": needs.downloadable,
        "upload_archive": needs.upload,
    })
}

pub(crate) fn delivery(case: &Case) -> Result<Option<Value>> {
    let mut config = Config::new();
    let input = case.input.as_object().context("settings are a mapping")?;
    for (name, value) in input {
        match name.as_str() {
            "usable_code_repository" | "code_repository" => config.usable = value == true,
            "all_allowed" => anyhow::ensure!(value == true, "what is allowed is not said"),
            _ => config = config.with(name, value.clone()),
        }
    }
    let image = config.image()?;
    let from = match image.delivery {
        Delivery::CodeRepository => json!("code_repository"),
        Delivery::ArtifactStore => json!("artifact_store"),
        Delivery::Included | Delivery::None => Value::Null,
    };
    let mut answer = shown(needs_of(std::slice::from_ref(&image)));
    answer["include_in_image"] = image.includes_code.into();
    answer["download"] = (!from.is_null()).into();
    answer["download_from"] = from;
    answer["neither"] = (image.delivery == Delivery::None).into();
    Ok(Some(answer))
}

pub(crate) fn delivery_of_steps(case: &Case) -> Result<Option<Value>> {
    let mut config = Config::new();
    config.usable = case.input["usable_code_repository"] == true;
    let steps = case.input["steps"].as_array().context("no steps")?;
    for (at, step) in steps.iter().enumerate() {
        let docker = [
            ("allow_including_files_in_images", "include"),
            ("allow_download_from_code_repository", "repo"),
            ("allow_download_from_artifact_store", "artifact"),
        ]
        .map(|(ours, theirs)| (ours.to_owned(), step[theirs].clone()));
        config = config.step(&format!("step_{at}"), Map::from_iter(docker));
    }
    let images = config.images().map_err(|error| anyhow!(error))?;
    Ok(Some(shown(needs_of(&images))))
}

pub(crate) fn given(case: &Case) -> Result<Option<Value>> {
    let input = &case.input;
    let is = |name: &str| input[name] == true;
    let mut config = Config::new();
    config.usable = is("code_repository");
    let names = |name: &str| {
        texts(&input[name])
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let forbid = |config: Config, names: &[&str]| {
        let forbid = |config: Config, name: &&str| config.with(name, false);
        names.iter().fold(config, forbid)
    };
    let (include, repository, store) = (
        "allow_including_files_in_images",
        "allow_download_from_code_repository",
        "allow_download_from_artifact_store",
    );
    if is("download_from_code_repository_required") {
        config = forbid(config, &[include, store]);
    } else if is("requires_included_code") {
        config = forbid(config, &[repository, store]);
    } else if input["artifact_store"] == false && input["code_repository"] == false {
        config = forbid(config, &[include, repository, store]);
    }
    let images = config.images().map_err(|error| anyhow!(error))?;
    let stack = input["run_stack"].as_str().unwrap_or("stack");
    let mut wanted = Wanted::of(stack, &images, config.usable);
    let environment = wanted.images[0].1.clone();
    let required = match names("required") {
        required if required.is_empty() => vec!["key".to_owned()],
        required => required,
    };
    wanted.images = required
        .iter()
        .map(|key| (key.clone(), environment.clone()))
        .collect();
    let there = match names("images") {
        there if there.is_empty() => required,
        there => there,
    };
    // An image without a stored checksum has no key.
    let known = input["checksum"].is_null().then_some(environment);
    let build = GivenBuild {
        stack: Some(input["build_stack"].as_str().unwrap_or(stack).to_owned()),
        images: there.into_iter().map(|key| (key, known.clone())).collect(),
        contains_code: is("contains_code"),
        needs_delivery: is("requires_code_download"),
        local: is("is_local"),
    };
    // What is found is a kind, which upstream has other words for.
    Ok(Some(match verify(&build, &wanted) {
        Ok(warnings) => {
            let warning = warnings.first().map(|warning| match warning {
                GivenWarning::OtherStack { .. } => "not the same as the stack",
                GivenWarning::ContainsCode => {
                    "contains code and will run with the step code that was included in the Docker images"
                }
                GivenWarning::OtherEnvironment { .. } => "outdated requirements",
                GivenWarning::Local => "local",
            });
            json!({ "ok": true, "warning": warning })
        }
        Err(error) => json!({ "error": match error {
            GivenError::MissingImages { keys } => {
                format!("The build you specified is missing an image for key: {}.", keys.join(", "))
            }
            GivenError::CodeMustBeIncluded { .. } => "specify that code should be included in the Docker image, but \
                the build you specified requires code download"
                .to_owned(),
            GivenError::NoRepository { .. } => "there is no code repository".to_owned(),
            GivenError::NoDelivery { .. } => {
                "specify that code can not be downloaded from the artifact store".to_owned()
            }
        } }),
    }))
}

pub(crate) fn dockerfile(case: &Case) -> Result<Option<Value>> {
    let input = &case.input;
    let mut config = Config::new();
    if let Some(parent) = input["parent"].as_str() {
        config = config
            .with("parent_image", parent)
            .with("source_files", "include");
    }
    for (theirs, ours) in [
        ("env", "environment"),
        ("apt", "apt_packages"),
        ("user", "user"),
        ("args", "python_package_installer_args"),
        ("skip_build", "skip_build"),
        ("parent_image", "parent_image"),
        ("dockerfile", "dockerfile"),
    ] {
        if let Some(value) = input.get(theirs).filter(|value| !value.is_null()) {
            config = config.with(ours, value.clone());
        }
    }
    if input.get("args").is_some() {
        config = config.with("requirements", json!(["numpy"]));
    }
    let image = match config.images() {
        Ok(mut images) => images.remove(0),
        Err(error) => return Ok(Some(json!({ "error": error }))),
    };
    let text = image.dockerfile.unwrap_or_default();
    if case.expected.is_string() {
        return Ok(Some(text.trim_end().into()));
    }
    let mut answer = json!({ "image": image.ready, "built": !image.targets.is_empty() });
    for (name, wanted) in [("contains", true), ("not_contains", false)] {
        if let Some(word) = case.expected[name].as_str() {
            answer[name] = if text.contains(word) == wanted {
                word.into()
            } else {
                text.clone().into()
            };
        }
    }
    Ok(Some(answer))
}

pub(crate) fn image_build(case: &Case) -> Result<Option<Value>> {
    let input = &case.input;
    let mut config = Config::new().file("D", "FROM image:tag\n");
    if input["dockerfile"].is_string() {
        config.docker.clear();
    }
    for name in ["dockerfile", "parent_image"] {
        if let Some(value) = input.get(name) {
            config = config.with(name, value.clone());
        }
    }
    if input["requires_more"] == true {
        config = config.with("user", "dev");
    }
    let image = config.image()?;
    let recipe = config.recipe()?;
    let names: Vec<&str> = image
        .targets
        .iter()
        .map(|target| {
            if target.result {
                "target"
            } else {
                target.name.as_str()
            }
        })
        .collect();
    let pulls = |definition: &Map<String, Value>| definition.get("pull") == Some(&json!(true));
    Ok(Some(json!({
        "images": names,
        "first": names[0],
        "second": names.get(1),
        "first_pushed": image.targets.len() > 1 && image.targets[0].result,
        "warning": !recipe.warnings().is_empty(),
        "pull": image.targets.iter().filter_map(|target| target.definition.as_ref()).any(pulls),
    })))
}

pub(crate) fn context(case: &Case) -> Result<Option<Value>> {
    let input = &case.input;
    let mut config = Config::new().with("source_files", "include");
    if let Some(added) = input["add"].as_array() {
        // What is written into an image beside code is packages: themselves, or a file of them.
        let mut contents = Vec::new();
        for one in added {
            let text = one.as_str().context("content is text")?;
            let config = if text.starts_with('<') {
                Config::new()
                    .file("added.txt", "file content in file")
                    .with("requirements", "added.txt")
            } else {
                Config::new().with("requirements", json!([text]))
            };
            let dockerfile = config.dockerfile()?;
            let mut lines = dockerfile
                .lines()
                .skip_while(|line| !line.contains(Origin::User.file()));
            contents.push(lines.nth(1).unwrap_or_default().to_owned());
        }
        return Ok(Some(json!({ "contents": contents })));
    }
    if input["mib"].is_u64() {
        let large = usize::try_from(input["mib"].as_u64().unwrap_or_default())? << 20;
        let recipe = config.file("large", &"x".repeat(large)).recipe()?;
        return Ok(Some(json!({ "warning": !recipe.warnings().is_empty() })));
    }
    let files = texts(&input["files"]);
    for path in &files {
        config = config.file(path, "");
    }
    let rules = input["dockerignore"].as_str().context("no ignore file")?;
    let own = files.contains(&".dockerignore");
    if own {
        config = config.file(".dockerignore", rules);
    } else {
        config = config.file("ignore", rules).with("dockerignore", "ignore");
    }
    let image = config.image()?;
    let target = image.targets.last().context("nothing is built")?;
    // BuildKit finds the context's own file by itself.
    let used = match (&target.ignore, own) {
        (Some(text), _) => text.clone(),
        (None, true) => rules.to_owned(),
        (None, false) => String::new(),
    };
    let kept = Ignore::read(used.as_bytes())?.kept(files.iter().copied())?;
    Ok(Some(
        json!({ "excludes": used.lines().collect::<Vec<_>>(), "files": kept }),
    ))
}

pub(crate) fn packages_order(case: &Case) -> Result<Option<Value>> {
    let input = &case.input;
    if input.is_null() {
        return Ok(Some(json!(Origin::ALL.map(Origin::file))));
    }
    let mut config = Config::new();
    if input["replicate"] == true {
        config = config.with("replicate_local_python_environment", true);
        config.frozen = Some("numpy==1");
    }
    config = config
        .with("install_stack_requirements", input["stack"].clone())
        .with("required_integrations", input["integrations"].clone());
    if !input["user"].is_null() {
        config = config.with("requirements", input["user"].clone());
    }
    let dockerfile = config.dockerfile()?;
    let files: Vec<&str> = dockerfile
        .lines()
        .filter(|line| line.starts_with("COPY <<"))
        .filter_map(|line| line.rsplit_once(".headstart_").map(|(_, name)| name))
        .collect();
    Ok(Some(json!(files)))
}

pub(crate) fn packages(case: &Case) -> Result<Option<Value>> {
    let mut config = Config::new();
    if let Some(path) = case.input.get("requirements") {
        config = config.with("requirements", path.clone());
    } else if case.input["command_exit"].as_i64().is_some_and(|code| code != 0) {
        config = config.with("replicate_local_python_environment", true);
    } else {
        return Ok(None);
    }
    Ok(Some(match config.images() {
        Ok(_) => json!({ "ok": true }),
        Err(error) => json!({ "error": error }),
    }))
}

pub(crate) fn create(case: &Case) -> Result<Option<Value>> {
    let input = &case.input;
    if let Some(registry) = input["container_registry"].as_bool() {
        let image = Config::new().image()?;
        let name = image_name(
            registry.then_some("localhost:5000"),
            None,
            None,
            "headstart",
            &image.tag,
        );
        return Ok(Some(json!({ "is_local": !names_registry(&name) })));
    }
    if input["required_builds"].as_array().is_some_and(Vec::is_empty) {
        let image = Config::new().with("skip_build", true).image()?;
        let build = (!image.targets.is_empty()).then_some(image.key);
        let built = image.targets.len();
        return Ok(Some(json!({ "build": build, "images_built": built })));
    }
    let Some(configs) = input["configs"].as_array() else {
        return Ok(None);
    };
    let settings = |config: &Value| {
        let mut docker = config.as_object().cloned().unwrap_or_default();
        docker.remove("key");
        docker
    };
    if configs
        .windows(2)
        .any(|two| settings(&two[0]) != settings(&two[1]))
    {
        // A key is a step's name, so this is a config that names a step twice.
        let mut text =
            format!("pipeline: main.flow\nsettings.docker: {{parent_image: '{PARENT}'}}\nsteps:\n");
        for config in configs {
            let step = json!({ "settings": { "docker": settings(config) } });
            let key = config["key"].as_str().unwrap_or_default();
            text += &format!("  {key}: {step}\n");
        }
        return Ok(Some(match read(&text, &Files::default()) {
            Ok(_) => json!({ "ok": true }),
            Err(error) => json!({ "error": message(&error) }),
        }));
    }
    let mut all = Config::new();
    for (at, config) in configs.iter().enumerate() {
        all = all.step(&format!("step_{at}"), settings(config));
    }
    let key = configs[0]["key"].as_str().unwrap_or_default();
    let images = all.images().map_err(|error| anyhow!(error))?;
    let keys: Vec<String> = images
        .iter()
        .map(|image| image.key.replace(COMPONENT, key))
        .collect();
    let built: usize = images.iter().map(|image| image.targets.len()).sum();
    Ok(Some(json!({ "images": keys, "images_built": built })))
}

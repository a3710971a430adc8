//! Run configs as commits have them.

use std::collections::BTreeMap;

use rstest::rstest;

use super::*;
use crate::recipe::{Code, ImageFacts, Images};
use crate::source::SourceError;
use crate::wire::{Delivery, Integration};

/// A commit's files, in memory; the source root is the repository.
#[derive(Clone, Default)]
struct Files(BTreeMap<String, String>);

impl Files {
    fn of(files: &[(&str, &str)]) -> Self {
        let own = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        Self(files.iter().map(own).collect())
    }

    fn with(&self, path: &str, text: &str) -> Self {
        let mut files = self.clone();
        files.0.insert(path.to_owned(), text.to_owned());
        files
    }

    fn recipe(&self) -> Result<Box<dyn Recipe>, RecipeError> {
        let options = Options {
            default_image: String::new(),
            repository: "app".to_owned(),
            prefix: String::new(),
        };
        Pipeline.read("run.yaml", self, &options)
    }

    fn problems(&self) -> String {
        let problems = match self.recipe() {
            Ok(recipe) => recipe.warnings(),
            Err(error) => error.problems().to_vec(),
        };
        let line = |p: &Problem| {
            let at = |n: Option<u32>| n.map_or("-".to_owned(), |n| n.to_string());
            format!("{:?} {}:{} {}\n", p.severity, at(p.line), at(p.column), p.message)
        };
        problems.iter().map(line).collect()
    }
}

impl SourceView for Files {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.0.get(path).map(|text| text.clone().into_bytes()))
    }
    fn key(&self, path: &str) -> Result<Option<String>, SourceError> {
        let files = self.files(path)?.unwrap_or_default();
        Ok((!files.is_empty()).then(|| format!("{files:?}")))
    }
    fn read_whole(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        self.read(path)
    }
    fn key_whole(&self, path: &str) -> Result<Option<String>, SourceError> {
        self.key(path)
    }
    fn files(&self, folder: &str) -> Result<Option<Vec<(String, String)>>, SourceError> {
        let inside = |(path, text): (&String, &String)| {
            let inner = match folder {
                "" => Some(path.as_str()),
                folder => path
                    .strip_prefix(folder)
                    .and_then(|inner| inner.strip_prefix('/')),
            };
            inner.map(|inner| (inner.to_owned(), text.clone()))
        };
        let files: Vec<_> = self.0.iter().filter_map(inside).collect();
        Ok((!files.is_empty()).then_some(files))
    }
    fn compose(&self, file: &str) -> Result<crate::recipe::compose::Resolved, String> {
        Err(file.to_owned())
    }
}

/// What a test changes of a stack.
#[derive(Default)]
struct Around {
    requirements: Vec<String>,
    apt_packages: Vec<String>,
    environment: Vec<(String, String)>,
    usable: bool,
    digest: &'static str,
    ca_bundle: Option<&'static str>,
    frozen: Option<&'static str>,
}

impl Around {
    fn resolve(&self, files: &Files, pipeline: Option<&str>) -> Result<Vec<PipelineImage>, String> {
        let recipe = files.recipe().map_err(|error| error.to_string())?;
        let facts = |name: String| {
            let digest = (!self.digest.is_empty()).then(|| self.digest.to_owned());
            (name, ImageFacts { digest, user: None })
        };
        let images: Images = recipe.images().into_iter().map(facts).collect();
        recipe.pipeline().unwrap().resolve(
            pipeline,
            &Surroundings {
                requirements: &self.requirements,
                apt_packages: &self.apt_packages,
                environment: &self.environment,
                integrations: &Integration::usual(),
                repository_usable: self.usable,
                images: &images,
                platform: "linux/amd64",
                ca_bundle: self.ca_bundle,
                frozen: self.frozen,
            },
        )
    }
}

const CONFIG: &str = "
pipeline: training.flow
settings:
  docker:
    parent_image: python:3.12
    requirements: [numpy]
    environment: {MODE: fast}
";

fn config(text: &str) -> Files {
    Files::of(&[("run.yaml", text), ("training.py", "flow = print\n")])
}

fn fields(image: &PipelineImage) -> String {
    let line = |field: crate::wire::KeyField| format!("{}={}\n", field.name, field.value.replace('\n', "|"));
    image.environment.shown().into_iter().map(line).collect()
}

#[test]
fn a_pipeline_without_steps_is_one_step_in_one_image() {
    let files = config(CONFIG);
    let recipe = files.recipe().unwrap();
    let pipeline = recipe.pipeline().unwrap();
    assert_eq!(pipeline.name(None).unwrap(), "flow");
    let steps = pipeline.steps(None).unwrap();
    assert_eq!(steps[0].name, "flow");
    let source = |module: &str, object: &str| Runs::Source {
        module: module.into(),
        object: object.into(),
    };
    assert_eq!(steps[0].runs, source("training", "flow"));
    let other = pipeline.steps(Some("jobs.nightly:run")).unwrap();
    assert_eq!(
        (other[0].name.as_str(), &other[0].runs),
        ("run", &source("jobs.nightly", "run"))
    );

    let images = Around::default().resolve(&files, None).unwrap();
    assert_eq!(images.len(), 1);
    assert_eq!(images[0].tag, "flow-orchestrator");
    assert_eq!(images[0].delivery, Delivery::ArtifactStore);
    insta::assert_snapshot!(fields(&images[0]), @r"
    parent_image=python:3.12
    parent_image.digest=not resolved
    platform=linux/amd64
    code=delivered
    environment.MODE=fast
    requirements.user=numpy
    installer=pip
    ");
    insta::assert_snapshot!(images[0].dockerfile.as_deref().unwrap(), @r#"
    FROM python:3.12
    WORKDIR /app
    ENV MODE="fast"
    COPY <<'END' /app/.headstart_user_requirements
    numpy
    END
    RUN pip install --no-cache-dir --default-timeout=60 -r .headstart_user_requirements
    RUN chmod -R a+rw .
    "#);
}

#[test]
fn steps_have_the_pipelines_settings_with_their_own_fields_replaced() {
    let files = config(
        "
settings.docker: {parent_image: 'python:3.12', requirements: [numpy], apt_packages: [git]}
pipeline: training.flow
parameters: {epochs: 3, seed: 1}
steps:
  load:
    command: [sh, -c, make data]
  train:
    parameters: {epochs: 5}
    settings: {docker: {requirements: [torch, numpy]}}
    environment: {token: x}
  again:
    source: training.train
    settings: {docker: {requirements: [torch, numpy]}}
  report:
    command: ./report.sh --all
",
    );
    let recipe = files.recipe().unwrap();
    let steps = recipe.pipeline().unwrap().steps(None).unwrap();
    let names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["load", "train", "again", "report"], "in the file's order");
    let targets: Vec<&str> = steps.iter().map(|step| step.target.as_str()).collect();
    assert_eq!(
        targets,
        [
            "orchestrator",
            "train.orchestrator",
            "train.orchestrator",
            "orchestrator"
        ]
    );
    let train = Runs::Source {
        module: "training".into(),
        object: "train".into(),
    };
    assert_eq!((&steps[1].runs, &steps[2].runs), (&train, &train));
    assert_eq!(
        steps[3].runs,
        Runs::Command(vec!["sh".into(), "-c".into(), "./report.sh --all".into()])
    );
    assert_eq!(steps[1].parameters["epochs"], 5);
    assert_eq!(steps[1].parameters["seed"], 1);
    assert_eq!(steps[1].environment, [("token".to_owned(), "x".to_owned())]);

    let images = Around::default().resolve(&files, None).unwrap();
    let made: Vec<(&str, &str, Vec<&str>)> = images
        .iter()
        .map(|image| {
            let steps = image.steps.iter().map(String::as_str).collect();
            (image.key.as_str(), image.tag.as_str(), steps)
        })
        .collect();
    assert_eq!(
        made,
        [
            ("orchestrator", "flow-orchestrator", vec!["load", "report"]),
            (
                "train.orchestrator",
                "flow-train-orchestrator",
                vec!["train", "again"]
            ),
        ]
    );
    assert!(
        fields(&images[1]).contains("requirements.user=torch|numpy"),
        "order is the user's"
    );
    assert!(fields(&images[1]).contains("apt_packages=git"));
}

#[test]
fn steps_that_come_to_the_same_image_share_it_and_each_gets_its_code_its_own_way() {
    let files = config(
        "
settings.docker: {parent_image: 'python:3.12'}
pipeline: training.flow
steps:
  one: {}
  two: {settings: {docker: {allow_download_from_artifact_store: false}}}
  three: {settings: {docker: {allow_download_from_code_repository: false, allow_download_from_artifact_store: false}}}
",
    );
    let around = Around {
        usable: true,
        ..Around::default()
    };
    let images = around.resolve(&files, None).unwrap();
    assert_eq!(images.len(), 2);
    assert_eq!(images[0].steps, ["one", "two"]);
    assert_eq!(image_of_step(&images, "two").unwrap().key, "orchestrator");
    assert!(images[1].includes_code);
    let images = Around::default().resolve(&files, None).unwrap();
    assert_eq!(
        images[0].steps,
        ["two", "three"],
        "no repository: both have the code inside"
    );
    assert_eq!(images[0].delivery, Delivery::Included);
    assert_eq!(images[1].delivery, Delivery::ArtifactStore);
}

#[rstest]
#[case::code("training.py", "flow = id\n", "")]
#[case::requirements("requirements.txt", "numpy>2\n", "requirements.user")]
#[case::dockerfile("Dockerfile", "FROM python:3.12\nRUN true\n", "dockerfile")]
#[case::build_context("docker/tool", "2", "dockerfile.context")]
#[case::ignored_by_the_context("docker/notes.md", "2", "")]
#[case::ignore_file("docker/.dockerignore", "*.txt", "dockerfile.context")]
#[case::pyproject(
    "pyproject.toml",
    "[project]\ndependencies = ['click>8']\n",
    "requirements.pyproject"
)]
#[case::pyproject_but_nothing_of_it(
    "pyproject.toml",
    "[project]\nname = 'app'\ndependencies = ['click']\n",
    ""
)]
fn a_changed_file_changes_the_field_that_it_means(
    #[case] path: &str,
    #[case] text: &str,
    #[case] field: &str,
) {
    let files = Files::of(&[
        (
            "run.yaml",
            "
pipeline: training.flow
settings:
  docker:
    dockerfile: Dockerfile
    build_context_root: docker
    requirements: requirements.txt
    pyproject_path: pyproject.toml
",
        ),
        ("training.py", "flow = print\n"),
        ("requirements.txt", "numpy\n"),
        ("pyproject.toml", "[project]\ndependencies = ['click']\n"),
        ("Dockerfile", "FROM python:3.12\nCOPY tool /bin/\n"),
        ("docker/tool", "1"),
        ("docker/notes.md", "1"),
        ("docker/.dockerignore", "*.md\n"),
    ]);
    let around = Around {
        digest: "sha256:1",
        ..Around::default()
    };
    let before = around.resolve(&files, None).unwrap().remove(0);
    let after = around.resolve(&files.with(path, text), None).unwrap().remove(0);
    assert_eq!(before.environment == after.environment, field.is_empty());
    assert_eq!(before.code, after.code, "code is delivered");
    let changed: Vec<String> = before
        .environment
        .shown()
        .into_iter()
        .zip(after.environment.shown())
        .filter(|(one, other)| one != other)
        .map(|(one, _)| one.name)
        .collect();
    assert_eq!(changed.join(" "), field);
}

#[test]
fn parent_digest_stack_and_platform_count_and_certificates_do_not() {
    let files = config(CONFIG);
    let key = |around: Around| around.resolve(&files, None).unwrap()[0].environment.key();
    let base = || Around {
        digest: "sha256:1",
        ..Around::default()
    };
    let first = key(base());
    assert_eq!(
        first,
        key(Around {
            ca_bundle: Some("/etc/ca.pem"),
            usable: true,
            ..base()
        })
    );
    let list = |word: &str| vec![word.to_owned()];
    for other in [
        Around {
            digest: "sha256:2",
            ..base()
        },
        Around {
            requirements: list("rich"),
            ..base()
        },
        Around {
            apt_packages: list("git"),
            ..base()
        },
        Around {
            environment: vec![("A".into(), "1".into())],
            ..base()
        },
    ] {
        assert_ne!(first, key(other));
    }
}

#[test]
fn certificates_are_a_secret_of_the_build() {
    let around = Around {
        ca_bundle: Some("/etc/ca.pem"),
        ..Around::default()
    };
    let images = around.resolve(&config(CONFIG), None).unwrap();
    let target = &images[0].targets[0];
    assert_eq!(
        target.secrets,
        [("ca_bundle".to_owned(), "/etc/ca.pem".to_owned())]
    );
    assert!(target.dockerfile.as_deref().unwrap().contains("PIP_CERT="));
    assert!(!fields(&images[0]).contains("ca.pem"));
}

#[test]
fn code_in_the_image_is_known_by_what_the_ignore_file_leaves_of_it() {
    let files = config(
        "
pipeline: training.flow
settings.docker: {parent_image: 'python:3.12', source_files: include, dockerignore: docker/ignore}
",
    )
    .with("docker/ignore", "*.md\n")
    .with("notes.md", "1");
    let image = |files: &Files| Around::default().resolve(files, None).unwrap().remove(0);
    let first = image(&files);
    assert!(first.includes_code && matches!(&first.code, Code::Key(key) if key.starts_with("kept:")));
    let target = first.targets.last().unwrap();
    assert_eq!(target.ignore.as_deref(), Some("*.md\n"));
    assert!(target.dockerfile.as_deref().unwrap().contains("\nCOPY . .\n"));
    assert_eq!(first.code, image(&files.with("notes.md", "2")).code, "left out");
    assert_ne!(first.code, image(&files.with("training.py", "")).code);
    let ignore = image(&files.with("docker/ignore", "*.md\n*.log\n"));
    assert_ne!(first.environment, ignore.environment);
}

#[test]
fn a_dockerfile_alone_is_used_as_it_is_and_otherwise_added_to() {
    let text = |more: &str| {
        format!(
            "pipeline: training.flow\nsettings.docker:\n  dockerfile: docker/Dockerfile\n  build_context_root: docker\n  \
             parent_image_build_config: {{build_options: {{buildargs: {{BASE: 'debian:12'}}, target: tools}}}}\n{more}"
        )
    };
    let files = |more: &str| {
        config(&text(more))
            .with(
                "docker/Dockerfile",
                "ARG BASE=debian:11\nFROM $BASE AS tools\nCOPY . /opt/\n",
            )
            .with("docker/Dockerfile.dockerignore", "*.md\n")
    };
    let alone = files("");
    assert_eq!(alone.recipe().unwrap().images(), ["debian:12"]);
    let images = Around::default().resolve(&alone, None).unwrap();
    let [target] = images[0].targets.as_slice() else {
        panic!("one target is enough");
    };
    assert!(target.result);
    assert_eq!(
        target.context,
        crate::bake::Context::SourceFolder("docker".into())
    );
    assert_eq!(target.ignore.as_deref(), Some("*.md\n"));
    let options = serde_json::Value::from(target.definition.clone().unwrap()).to_string();
    assert_eq!(options, r#"{"args":{"BASE":"debian:12"},"target":"tools"}"#);

    let more = files("  user: dev\n");
    let images = Around::default().resolve(&more, None).unwrap();
    let [first, second] = images[0].targets.as_slice() else {
        panic!("two targets are needed");
    };
    assert_eq!(first.name, "orchestrator-intermediate-build");
    assert!(!first.result && second.result);
    let parent = crate::bake::Context::Target(first.name.clone());
    assert_eq!(second.contexts, [("parent".to_owned(), parent)]);
    assert!(second.dockerfile.as_deref().unwrap().starts_with("FROM parent\n"));
}

#[test]
fn an_image_that_is_ready_is_not_built() {
    let files = config(
        "pipeline: a.b\nsettings.docker: {parent_image: 'x:1', skip_build: true, requirements: gone.txt}\n",
    );
    let images = Around::default().resolve(&files, None).unwrap();
    assert_eq!(images[0].ready.as_deref(), Some("x:1"));
    assert_eq!(images[0].targets, []);
    assert_eq!(images[0].delivery, Delivery::ArtifactStore);
}

#[test]
fn packages_are_installed_from_where_they_seldom_change_to_where_they_often_do() {
    let files = config(
        "
pipeline: a.b
settings.docker:
  parent_image: x
  replicate_local_python_environment: true
  required_integrations: [xgboost, numpy]
  pyproject_path: pyproject.toml
  requirements: requirements.txt
",
    )
    .with("pyproject.toml", "[project]\ndependencies = ['click']\n")
    .with("requirements.txt", "b\r\na\r\n");
    assert_eq!(
        files.recipe().unwrap().pipeline().unwrap().replicates(),
        Some(settings::Replicate::PipFreeze)
    );
    let around = Around {
        requirements: vec!["zz".into(), "aa".into()],
        frozen: Some("f==1"),
        ..Around::default()
    };
    let images = around.resolve(&files, None).unwrap();
    let fields = fields(&images[0]);
    let packages: Vec<&str> = fields.lines().filter(|line| line.contains("s.")).collect();
    insta::assert_snapshot!(packages.join("\n"), @r"
    requirements.local=f==1
    requirements.stack=aa|zz
    requirements.integrations=numpy|xgboost>=1.0.0
    requirements.pyproject=click
    requirements.user=b|a
    ");
    assert!(
        fields.contains("apt_packages=libgomp1"),
        "an integration needs a library"
    );
    let unread = Around::default().resolve(&files, None).unwrap_err();
    assert!(unread.contains("local python packages"), "{unread}");
    let unknown =
        config("pipeline: a.b\nsettings.docker: {parent_image: x, required_integrations: [sklern]}\n");
    let error = Around::default().resolve(&unknown, None).unwrap_err();
    assert!(
        error.contains("no integration sklern") && error.contains("sklearn"),
        "{error}"
    );
}

#[test]
fn secrets_are_not_shown() {
    let files = config(
        "
pipeline: a.b
settings.docker:
  parent_image: x
  environment: {api_token: hunter2}
  requirements: ['--extra-index-url https://me:hunter2@example.org/simple', numpy]
  python_package_installer_args: {index-url: 'https://hunter2@example.org'}
",
    );
    let images = Around::default().resolve(&files, None).unwrap();
    let shown = format!("{}{:?}", fields(&images[0]), images[0].dockerfile);
    assert!(!shown.contains("hunter2"), "{shown}");
    let built = images[0].targets[0].dockerfile.as_deref().unwrap();
    assert_eq!(
        built.matches("hunter2").count(),
        3,
        "the build has them all the same"
    );
    insta::assert_snapshot!(files.problems(), @r"
    Warning 5:17 the variable api_token is called API_TOKEN in the image
    Warning 5:17 the variable API_TOKEN looks like a secret and can be read from the image
    Warning 6:17 an address has a login in it, which can be read from the image
    Warning 7:34 an address has a login in it, which can be read from the image
    ");
}

#[test]
fn problems_stand_at_their_place() {
    let files = config(
        "
pipeline: no module
schedule: '* * * * *'
step: {}
settings:
  resources: {cpu: 1}
  docker:
    parent_image: x
    dockerfile: Dockerfile
    requirements: gone.txt
    apt_packages: [git, -y]
    environment: {lines: \"a\\nb\", 1x: y}
    replicate_local_python_environment: [pip, freeze]
    pyproject_export_command: [uv, export]
    source_files: foo
    python_package_installer: conda
    user: 'a b'
    target_repository: Up/x
    build_config: {build_options: {pull: true, targt: x}}
steps:
  one two: {}
  good:
    source: a.b
    command: ls
    settings: {docker: {local_project_install_command: pip install ., allow_including_files_in_images: false}}
",
    );
    insta::assert_snapshot!(files.problems());
}

#[rstest]
#[case::pipeline("pipeline: a.b\n", true)]
#[case::command("command: make\n", true)]
#[case::only_settings("settings: {docker: {parent_image: x}}\n", true)]
#[case::other_settings("settings: {color: red}\n", false)]
#[case::steps("steps: {a: {command: ls}}\n", true)]
#[case::compose("services: {a: {image: b}}\ncommand: x\n", false)]
#[case::other_steps("steps: {a: {image: go, commands: [make]}}\n", false)]
#[case::list_of_steps("steps: [{script: make}]\n", false)]
#[case::spec("pipeline: {name: edges}\ntransform: {}\n", false)]
#[case::workspace("image: debian\ntasks: []\n", false)]
#[case::resource("kind: Job\ncommand: [x]\n", false)]
#[case::nothing("", false)]
fn a_run_config_is_known_by_its_content(#[case] text: &str, #[case] known: bool) {
    assert_eq!(looks_like(text.as_bytes()), known);
}

#[test]
fn a_config_of_settings_waits_for_the_pipelines_name() {
    let files = config("settings: {docker: {parent_image: x}}\n");
    let recipe = files.recipe().unwrap();
    let pipeline = recipe.pipeline().unwrap();
    assert!(pipeline.steps(None).unwrap_err().contains("names no pipeline"));
    assert_eq!(pipeline.steps(Some("jobs.flow")).unwrap()[0].name, "flow");
    assert!(pipeline.steps(Some("jobs flow")).is_err());
}

#[test]
fn a_run_config_is_described() {
    let options = Options {
        default_image: String::new(),
        repository: "app".into(),
        prefix: String::new(),
    };
    let text = "pipeline: a.flow\nbuild: 0a1b\nsettings.docker: {parent_image: x}\nsteps: {one: {}, two: {command: make all, settings: {docker: {dockerfile: D}}}}\n";
    let (found, _) = Pipeline.recognise("any.yaml", text.as_bytes(), &options);
    assert_eq!(found.summary, "Pipeline a.flow, 2 steps");
    assert_eq!(
        found.details,
        ["one: image on x", "two: make all, image from D", "build 0a1b"]
    );
    let (found, problems) = Pipeline.recognise("any.yaml", b"pipeline: a.flow\n", &options);
    assert_eq!(found.summary, "Run config that cannot be used yet");
    assert!(problems[0].message.contains("which image"), "{problems:?}");
}

proptest::proptest! {
    #[test]
    fn no_config_is_too_strange_to_read(
        fields in proptest::collection::vec(("(pipeline|command|steps|settings.docker|build|name)", "[\\[{]?[a-z.:\"' -]{0,12}[\\]}]?"), 0..5),
    ) {
        let text: String = fields.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        drop(config(&text).recipe().map(|recipe| Around::default().resolve(&config(&text), None).map(|_| recipe.images())));
        looks_like(text.as_bytes());
    }
}

//! Dockerfiles of pipelines, built by the real engine: what a run config says arrives in the image as it was written.
#![expect(clippy::unwrap_used, reason = "a journey that cannot go on has failed")]

use std::path::Path;

use headstart_engine::recipe::pipeline::{Pipeline, PipelineImage, Surroundings};
use headstart_engine::recipe::{Dialect, Images, Options};
use headstart_tests::{BUSYBOX, Files, docker, in_image, try_docker, unique};

/// Removes images when a journey ends.
struct Made(Vec<String>);

impl Drop for Made {
    fn drop(&mut self) {
        for image in &self.0 {
            drop(try_docker(&["rmi", "--force", image]));
        }
    }
}

fn resolve(files: &Files, ca_bundle: Option<&str>) -> PipelineImage {
    let options = Options {
        default_image: String::new(),
        repository: "app".to_owned(),
        prefix: String::new(),
    };
    let recipe = Pipeline.read("run.yaml", files, &options).unwrap();
    let around = Surroundings {
        requirements: &["from-the-stack==1".to_owned()],
        apt_packages: &["libgomp1".to_owned()],
        environment: &[],
        integrations: &[],
        repository_usable: false,
        images: &Images::new(),
        platform: "linux/amd64",
        ca_bundle,
        frozen: None,
    };
    recipe
        .pipeline()
        .unwrap()
        .resolve(None, &around)
        .unwrap()
        .remove(0)
}

/// Builds targets in order, each from a folder with the files, and returns the last one's name.
fn build(image: &PipelineImage, files: &Files, made: &mut Made) -> String {
    let context = tempfile::tempdir().unwrap();
    for (path, text) in &files.0 {
        let path = context.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let dockerfile = tempfile::tempdir().unwrap();
    let mut last = String::new();
    for target in &image.targets {
        let file = dockerfile.path().join("Dockerfile");
        std::fs::write(&file, target.dockerfile.as_deref().unwrap()).unwrap();
        if let Some(ignore) = &target.ignore {
            std::fs::write(dockerfile.path().join("Dockerfile.dockerignore"), ignore).unwrap();
        }
        let name = unique("headstart-test");
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        let mut arguments = vec!["buildx".to_owned(), "build".into(), "--load".into()];
        arguments.extend(["--file".into(), path(&file), "--tag".into(), name.clone()]);
        for (context, _) in &target.contexts {
            arguments.push(format!("--build-context={context}=docker-image://{last}"));
        }
        for (id, path) in &target.secrets {
            arguments.push(format!("--secret=id={id},src={path}"));
        }
        arguments.push(path(context.path()));
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        docker(&words);
        made.0.push(name.clone());
        last = name;
    }
    last
}

#[test]
fn everything_that_a_run_config_says_arrives_as_it_was_written() {
    let mut made = Made(Vec::new());
    let tool = "#!/bin/sh\necho \"$0 $*\" >> /calls\nfor last; do :; done\n[ ! -f \"$last\" ] || cat \"$last\" >> /calls\n\
                [ -z \"$PIP_CERT\" ] || cat \"$PIP_CERT\" >> /calls\n";
    let mut files = Files::default();
    let mut add = |path: &str, text: &str| drop(files.0.insert(path.to_owned(), text.to_owned()));
    add(
        "docker/Dockerfile",
        &format!("FROM {BUSYBOX}\nCOPY tool /bin/pip\nCOPY tool /bin/apt-get\n"),
    );
    add("docker/tool", tool);
    add("kept.py", "print(1)\n");
    add("left-out.md", "no\n");
    add("ignore", "*.md\n");
    add(
        "requirements.txt",
        "END\n# $HOME ${HOME} \\\nnumpy>1; python_version < '4'\n",
    );
    add(
        "run.yaml",
        r##"
command: [cat, kept.py]
settings.docker:
  dockerfile: docker/Dockerfile
  build_context_root: docker
  requirements: requirements.txt
  apt_packages: [git]
  python_package_installer_args: {index-url: "https://h/x?a=b c", pre: null}
  environment:
    PLAIN: 1
    SPACES: "a  b "
    QUOTES: "it's \"quoted\""
    VARIABLE: "$HOME ${HOME} $$"
    BACKSLASH: 'a\b\'
    HASH: "# no comment <<EOF"
    EMPTY: ""
  source_files: include
  dockerignore: ignore
  local_project_install_command: |
    echo "installed $(ls kept.py)" >> /calls
    echo second >> /calls
  entrypoint: [env, "ODD=a b$c"]
"##,
    );
    // The tools have to be programs, which a file in memory cannot say.
    let text = files.0.get_mut("docker/Dockerfile").unwrap();
    text.push_str("RUN chmod +x /bin/pip /bin/apt-get\n");
    let ca = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(ca.path(), "a certificate\n").unwrap();

    let image = resolve(&files, ca.path().to_str());
    // The first target sees the folder that the settings name, the second all files.
    let mut context = files.clone();
    context.0.insert("tool".into(), tool.into());
    let built = build(&image, &context, &mut made);

    let shell = |script: &str| {
        docker(&[
            "run",
            "--rm",
            "--network=none",
            "--entrypoint=sh",
            &built,
            "-c",
            script,
        ])
    };
    assert_eq!(shell("pwd"), "/app");
    let variables = shell(
        "printf '%s|' \"$PLAIN\" \"$SPACES\" \"$QUOTES\" \"$VARIABLE\" \"$BACKSLASH\" \"$HASH\" \"$EMPTY\"",
    );
    assert_eq!(
        variables,
        "1|a  b |it's \"quoted\"|$HOME ${HOME} $$|a\\b\\|# no comment <<EOF||"
    );
    let option = "--no-cache-dir --default-timeout=60 --index-url=https://h/x?a=b c --pre -r";
    assert_eq!(
        shell("cat /calls"),
        format!(
            "/bin/apt-get -o Acquire::https::CAInfo=/run/headstart-ca.pem update\n\
             /bin/apt-get -o Acquire::https::CAInfo=/run/headstart-ca.pem install -y --no-install-recommends git libgomp1\n\
             /bin/pip install {option} .headstart_stack_requirements\nfrom-the-stack==1\na certificate\n\
             /bin/pip install {option} .headstart_user_requirements\nEND\n# $HOME ${{HOME}} \\\nnumpy>1; python_version < '4'\n\
             a certificate\ninstalled kept.py\nsecond"
        )
    );
    let listed = shell("ls -A; stat -c %a kept.py .; ls /run");
    assert!(
        listed.contains("kept.py") && !listed.contains("left-out.md"),
        "{listed}"
    );
    assert!(listed.contains("\n666\n"), "anybody may write: {listed}");
    let odd = docker(&[
        "run",
        "--rm",
        "--network=none",
        &built,
        "sh",
        "-c",
        "echo \"$ODD\"",
    ]);
    assert_eq!(odd, "a b$c");
    assert!(
        !docker(&["history", "--no-trunc", &built]).contains("a certificate"),
        "certificates stay on this machine"
    );
}

#[test]
fn an_image_without_code_needs_no_files() {
    let mut made = Made(Vec::new());
    let mut files = Files::default();
    let config = format!(
        "command: ls\nsettings.docker: {{parent_image: '{BUSYBOX}', install_stack_requirements: false}}\n"
    );
    files.0.insert("run.yaml".into(), config);
    let image = resolve(&files, None);
    assert!(!image.includes_code);
    let built = build(&image, &Files::default(), &mut made);
    assert_eq!(in_image(&built, "pwd; ls -A; stat -c %a ."), "/app\n777");
}

//! The official builders: on a real engine where an image with the language is at hand, and on this machine for the others.
//! `.ci/setup/images.sh python go` makes the images.
#![expect(clippy::unwrap_used, reason = "a journey that cannot go on has failed")]

use std::path::{Path, PathBuf};

use headstart_tests::code_builder::{CodeBuilder, PADDING_GO, PADDING_PYTHON, printed};
use headstart_tests::{BUSYBOX, Home, docker, has_image, try_docker, unique};
use tempfile::TempDir;

/// A builder image of what `headstart builder new` writes, and folders in the place of a pipeline's repositories.
struct Pipeline {
    dir: TempDir,
    image: String,
}

impl Pipeline {
    fn new(language: &str) -> Self {
        let base = format!("headstart-sample/{language}:1");
        assert!(
            has_image(&base),
            "{base} is missing; .ci/setup/images.sh {language} makes it"
        );
        let dir = TempDir::with_prefix("headstart-builder-").unwrap();
        let home = Home::new();
        let folder = dir.path().join("builder").to_string_lossy().into_owned();
        let written = home.json(&["builder", "new", language, "--folder", &folder, "--base", &base]);
        assert_eq!(written["base"], base);
        let image = format!("headstart/{}:1", unique(language));
        docker(&["build", "--quiet", "--tag", &image, &folder]);
        let pipeline = Self { dir, image };
        for (name, number) in [("1.txt", "1"), ("11.txt", "11"), ("111.txt", "111\n")] {
            pipeline.write(&format!("in/{name}"), number);
        }
        pipeline
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Runs a command as the engine does for a datum: inputs read-only, and no network.
    fn container(&self, inputs: &[&str], out: &str, command: &[&str]) -> Result<String, String> {
        std::fs::create_dir_all(self.path(out)).unwrap();
        let mut words = vec!["run", "--rm", "--network", "none"];
        let mounted =
            |name: &str, at: &str, mode: &str| format!("{}:/pfs/{at}{mode}", self.path(name).display());
        let mut mounts: Vec<String> = inputs.iter().map(|name| mounted(name, name, ":ro")).collect();
        mounts.push(mounted(out, "out", ""));
        for mount in &mounts {
            words.extend(["--volume", mount]);
        }
        words.push(&self.image);
        words.extend(command);
        let said = try_docker(&words);
        // What a container writes belongs to its user.
        let all = format!("{}:/all", self.path(out).display());
        docker(&[
            "run", "--rm", "--volume", &all, BUSYBOX, "chmod", "-R", "a+rwX", "/all",
        ]);
        said
    }

    fn build(&self) -> Result<String, String> {
        drop(std::fs::remove_dir_all(self.path("build")));
        self.container(&["source"], "build", &["sh", "./build.sh"])
    }

    fn run(&self, arguments: &[&str]) -> Vec<(String, String)> {
        drop(std::fs::remove_dir_all(self.path("out")));
        let mut command = vec!["sh", "/pfs/build/run.sh"];
        command.extend(arguments);
        self.container(&["source", "build", "in"], "out", &command)
            .unwrap();
        files(&self.path("out"))
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        drop(try_docker(&["rmi", "--force", &self.image]));
    }
}

fn files(folder: &Path) -> Vec<(String, String)> {
    let listed = std::fs::read_dir(folder).unwrap().flatten();
    let mut all: Vec<_> = listed
        .map(|entry| {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), text)
        })
        .collect();
    all.sort();
    all
}

fn padded(with: &str) -> Vec<(String, String)> {
    let pad = |count: usize| with.repeat(count);
    vec![
        ("1.txt".to_owned(), format!("{}1", pad(3))),
        ("11.txt".to_owned(), format!("{}11", pad(2))),
        ("111.txt".to_owned(), format!("{}111", pad(1))),
    ]
}

/// A package that is no wheel and needs nothing to become one.
const BACKEND: &str = "\
import os, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = 'greeting-1.0-py3-none-any.whl'
    info = 'greeting-1.0.dist-info/'
    with open('built-here', 'w'):
        pass
    with zipfile.ZipFile(os.path.join(folder, name), 'w') as wheel:
        wheel.write('greeting.py')
        wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: greeting\\nVersion: 1.0\\n')
        wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
        wheel.writestr(info + 'RECORD', '')
    return name
";

#[test]
fn python_runs_with_requirements_without_any_and_with_a_package_that_is_no_wheel() {
    let pipeline = Pipeline::new("python");
    pipeline.write("source/main.py", PADDING_PYTHON);
    let said = pipeline.build().unwrap();
    assert!(said.contains("Python 3") && said.contains("pip "), "{said}");
    let named: Vec<String> = files(&pipeline.path("build"))
        .into_iter()
        .map(|file| file.0)
        .collect();
    assert_eq!(named, ["run.sh"]);
    assert_eq!(pipeline.run(&[]), padded("0"));
    assert_eq!(pipeline.run(&["_"]), padded("_"));

    // Requirements that name nothing yield nothing, and that is no failure.
    pipeline.write("source/requirements.txt", "# none yet\n");
    pipeline.build().unwrap();
    assert_eq!(pipeline.run(&[]), padded("0"));

    // A package in the source, which its build writes to, though the source is read-only.
    let project = "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n\
        [project]\nname = \"greeting\"\nversion = \"1.0\"\n";
    pipeline.write("source/requirements.txt", "./greeting\n");
    pipeline.write("source/greeting/pyproject.toml", project);
    pipeline.write("source/greeting/backend.py", BACKEND);
    pipeline.write("source/greeting/greeting.py", "def pad():\n    return '~'\n");
    pipeline.write(
        "source/main.py",
        &PADDING_PYTHON
            .replace(
                "import os, sys",
                "import os, sys\nsys.path.pop(0)\nimport greeting",
            )
            .replace("else '0'", "else greeting.pad()"),
    );
    let said = pipeline.build().unwrap();
    assert!(said.contains("greeting-1.0"), "{said}");
    assert!(!pipeline.path("source/greeting/built-here").exists());
    assert_eq!(pipeline.run(&[]), padded("~"), "nothing is installed at run time");

    // A requirement that cannot be had fails the build, which then has no run.sh.
    pipeline.write("source/requirements.txt", "./nowhere\n");
    let error = pipeline.build().unwrap_err();
    assert!(error.contains("nowhere"), "{error}");
    assert!(!pipeline.path("build/run.sh").exists());
}

#[test]
fn go_is_compiled_with_and_without_a_module_and_with_vendored_packages() {
    use std::os::unix::fs::PermissionsExt;

    let pipeline = Pipeline::new("go");
    pipeline.write("source/main.go", PADDING_GO);
    // What is left of a repository is no reason to fail.
    pipeline.write("source/.git/HEAD", "ref: refs/heads/main\n");
    let said = pipeline.build().unwrap();
    assert!(said.contains("go version"), "{said}");
    assert_eq!(pipeline.run(&[]), padded("0"));
    assert_eq!(pipeline.run(&["_"]), padded("_"));

    // A store may forget modes, and inputs are read-only.
    let main = pipeline.path("build/main");
    std::fs::set_permissions(&main, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(pipeline.run(&["x"]), padded("x"));

    pipeline.write("source/go.mod", "module example.org/pad\n\ngo 1.19\n");
    pipeline.write("source/words/words.go", "package words\n\nconst Pad = \"+\"\n");
    let with = |path: &str| {
        PADDING_GO
            .replace("import (\n", &format!("import (\n\t\"{path}\"\n"))
            .replace("pad := \"0\"", "pad := words.Pad")
    };
    pipeline.write("source/main.go", &with("example.org/pad/words"));
    pipeline.build().unwrap();
    assert_eq!(pipeline.run(&[]), padded("+"));

    std::fs::remove_file(pipeline.path("source/go.mod")).unwrap();
    pipeline.write(
        "source/vendor/example.org/far/words/words.go",
        "package words\n\nconst Pad = \"-\"\n",
    );
    pipeline.write("source/main.go", &with("example.org/far/words"));
    pipeline.build().unwrap();
    assert_eq!(pipeline.run(&[]), padded("-"));

    pipeline.write("source/main.go", "package main\n\nfunc main() { nothing() }\n");
    let error = pipeline.build().unwrap_err();
    assert!(error.contains("nothing"), "{error}");
    assert!(!pipeline.path("build/run.sh").exists());
}

#[test]
fn rust_is_compiled_in_a_copy_of_its_source() {
    let builder = CodeBuilder::new("rust");
    builder.source(
        "Cargo.toml",
        "[package]\nname = \"pad\"\nversion = \"1.0.0\"\nedition = \"2021\"\n\n[workspace]\n",
    );
    builder.source(
        "src/main.rs",
        "fn main() { println!(\"{:?}\", std::env::args().skip(1).collect::<Vec<_>>()); }\n",
    );
    let said = printed(&builder.build());
    assert!(said.contains("cargo ") && said.contains("rustc "), "{said}");
    assert!(!builder.path("pfs/source/Cargo.lock").exists() && !builder.path("pfs/source/target").exists());
    builder.commit();
    assert_eq!(printed(&builder.run(&["a b", "c"])), "[\"a b\", \"c\"]\n");

    let several = CodeBuilder::new("rust");
    several.source(
        "Cargo.toml",
        "[package]\nname = \"pad\"\nversion = \"1.0.0\"\n\n[workspace]\n",
    );
    several.source("src/bin/one.rs", "fn main() {}\n");
    several.source("src/bin/two.rs", "fn main() {}\n");
    let output = several.build();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && complained.contains("has 2 programs"),
        "{complained}"
    );
    several.source("src/bin/main.rs", "fn main() { println!(\"main\"); }\n");
    printed(&several.build());
    several.commit();
    assert_eq!(printed(&several.run(&[])), "main\n");
}

#[test]
fn node_has_its_packages_beside_the_program_and_runs_without_any() {
    let plain = CodeBuilder::new("node");
    plain.source("main.js", "console.log(process.argv.slice(2).join('|'));\n");
    printed(&plain.build());
    plain.commit();
    assert_eq!(printed(&plain.run(&["a b", "c"])), "a b|c\n");

    let builder = CodeBuilder::new("node");
    builder.source(
        "package.json",
        r#"{"name": "pad", "version": "1.0.0", "type": "module", "main": "dist/start.js",
            "scripts": {"build": "mkdir -p dist && cp src.js dist/start.js"}, "dependencies": {"greeting": "file:./greeting"}}"#,
    );
    builder.source(
        "src.js",
        "import pad from 'greeting';\nconsole.log(pad(process.argv[2]));\n",
    );
    builder.source(
        "greeting/package.json",
        r#"{"name": "greeting", "version": "1.0.0", "main": "index.js"}"#,
    );
    builder.source(
        "greeting/index.js",
        "module.exports = (word) => word.padStart(4, '~');\n",
    );
    printed(&builder.build());
    let package = builder.path("pfs/out/app/node_modules/greeting");
    assert!(!package.is_symlink() && package.join("index.js").exists());
    assert!(!builder.path("pfs/source/node_modules").exists() && !builder.path("pfs/source/dist").exists());
    builder.commit();
    assert_eq!(printed(&builder.run(&["7"])), "~~~7\n");
}

#[test]
fn a_builder_for_any_language_is_written_and_nothing_is_overwritten() {
    let home = Home::new();
    let folder = home.path().join("mine");
    let at = folder.to_string_lossy().into_owned();
    let written = home.json(&["builder", "new", "fortran", "--folder", &at]);
    assert_eq!(
        written["files"],
        serde_json::json!(["Dockerfile", "build.sh", "run.sh"])
    );
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    assert!(read("build.sh").contains("fortran") && read("build.sh").contains("# Fill this in."));
    std::fs::remove_file(folder.join("run.sh")).unwrap();
    std::fs::write(folder.join("build.sh"), "mine").unwrap();
    let again = home
        .run(&["builder", "new", "python", "--folder", &at, "--json"])
        .exits(2)
        .error();
    let message = again["message"].as_str().unwrap();
    assert!(message.contains("Dockerfile and build.sh"), "{message}");
    assert_eq!(read("build.sh"), "mine");
    assert!(
        !folder.join("run.sh").exists(),
        "half a builder is worse than none"
    );

    let said = home.run_in(home.path(), &["builder", "new", "go"]).ok().stdout;
    assert!(
        said.contains("go-builder") && said.contains("golang:latest"),
        "{said}"
    );
    home.run(&["builder", "new", "../x"]).exits(2);

    let images = r#"[{"language": "go", "image": "acme/go:2"}]"#;
    home.run(&["settings", "set", "builder_images", images]).ok();
    let at = home.path().join("other").to_string_lossy().into_owned();
    assert_eq!(
        home.json(&["builder", "new", "go", "--folder", &at])["base"],
        "acme/go:2"
    );
    let at = home.path().join("third").to_string_lossy().into_owned();
    assert_eq!(
        home.json(&["builder", "new", "rust", "--folder", &at])["base"],
        "rust:1"
    );
    let twice = r#"[{"language": "go", "image": "a"}, {"language": "go", "image": "b"}]"#;
    home.run(&["settings", "set", "builder_images", twice]).exits(2);
}

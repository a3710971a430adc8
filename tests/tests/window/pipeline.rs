//! A pipeline from its run config to runs whose code is today's and whose images are yesterday's.

use std::time::Duration;

use headstart_tests::pipeline::PipelineRepository;
use headstart_tests::window::{Desktop, Window};
use headstart_tests::{BUSYBOX, Home, Repository, docker, unique, wait_for};
use tempfile::TempDir;

const FIRST: &str = "Learn the calls of the park";
const SECOND: &str = "Listen for the owl as well";
const THIRD: &str = "Run as nobody";

/// A repository with a pipeline of three steps in two images.
struct Birds {
    repository: Repository,
    /// No other journey's images have it, so that none of theirs serves.
    season: String,
    _folder: TempDir,
}

impl Birds {
    fn new() -> Self {
        let folder = TempDir::with_prefix("headstart-repo-").unwrap_or_else(|error| panic!("{error}"));
        let path = folder.path().join(unique("bird-calls"));
        std::fs::create_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let birds = Self {
            repository: Repository::at(&path),
            season: unique("spring"),
            _folder: folder,
        };
        let repository = &birds.repository;
        repository.git(&["init", "-q", "--template=", "-b", "main"]);
        repository.write("calls.txt", "wren\nrobin\nsparrow\n");
        repository.write(
            "steps/prepare.sh",
            "echo \"reading $(grep -c . calls.txt) recordings\"\nwhile read -r bird; do echo \"  $bird: 44.1 kHz, mono\"; \
             done <calls.txt\n",
        );
        // The first training goes on until somebody has seen that it runs.
        repository.write(
            "steps/train.sh",
            "echo \"epoch 1, loss 0.91\"\nn=0\nuntil [ -e /tmp/seen ] || [ $n -gt 900 ]; do sleep 0.1; n=$((n + 1)); done\n\
             echo \"epoch 2, loss 0.34\"\n",
        );
        repository.write("steps/evaluate.sh", "echo \"knows $(tr '\\n' ' ' <calls.txt)\"\n");
        birds.config("");
        repository.commit(FIRST);
        birds
    }

    /// Writes the run config with more Docker settings.
    fn config(&self, docker: &str) {
        let name = &self.repository.name;
        self.repository.write(
            "run.yaml",
            format!(
                "name: bird_calls\n\
                 settings:\n  \
                   docker:\n    \
                     parent_image: {BUSYBOX}\n    \
                     target_repository: headstart/{name}\n    \
                     environment: {{SEASON: {}}}\n    {docker}\n\
                 steps:\n  \
                   prepare:\n    command: [sh, steps/prepare.sh]\n  \
                   train:\n    command: [sh, steps/train.sh]\n  \
                   evaluate:\n    command: [sh, steps/evaluate.sh]\n    \
                     settings: {{docker: {{environment: {{METRICS: all}}}}}}\n",
                self.season
            ),
        );
    }
}

#[test]
fn a_pipeline_is_dropped_run_and_run_again_with_todays_code_in_yesterdays_images() {
    let home = Home::new();
    let birds = Birds::new();
    let repository = &birds.repository;
    let name = &repository.name;
    let desktop = Desktop::new(&home);
    let mut window = Window::open(&desktop);
    window.command("Light colours");

    // The run config itself is dropped.
    let drag = window.drag(&repository.path.join("run.yaml"));
    window.see_text("3 steps");
    window.picture("pipeline-drop");
    drag.let_go();
    window.see("dialog", &format!("Add {name}"));
    window.see_text("3 steps");
    window.picture("pipeline-preview");
    window.click("button", &format!("Add {name}"));
    window.see("option", FIRST);

    // What would be built, which steps run in it, and how the code gets there.
    window.see_text("2 images to build");
    let images = window.see("region", "Images").text;
    assert!(
        images.contains("orchestrator") && images.contains("for prepare, train"),
        "the images and their steps: {images}"
    );
    let steps = window.see("region", "Steps").text;
    for step in ["prepare", "train", "evaluate"] {
        assert!(steps.contains(step), "{step} is listed: {steps}");
    }
    assert_eq!(steps.matches("from the artifact store").count(), 3, "{steps}");
    looks(&mut window, "pipeline-plan");

    // Built and run, and seen while it runs.
    window.click("button", "Build & run");
    window.see("list", "Steps of the run");
    window.see_text("epoch 1, loss 0.91");
    window.see_text("1 of 3 steps");
    looks(&mut window, "run-live");
    let first = newest_run(&home);
    let container = format!("label=dev.headstart.pipeline-run={first}");
    docker(&[
        "exec",
        &docker(&["ps", "--quiet", "--filter", &container]),
        "touch",
        "/tmp/seen",
    ]);
    window.see_text("knows wren robin sparrow");
    window.see_text("to the first line");
    window.see("button", "Run again");
    looks(&mut window, "run-done");
    assert_eq!(PipelineRepository::leftovers(&first), [""; 0]);

    // Other code: the history hears of the commit, and nothing is to be built.
    window.press("g");
    window.press("h");
    repository.write("calls.txt", "wren\nrobin\nsparrow\nowl\n");
    repository.write("steps/train.sh", "echo \"epoch 1, loss 0.12\"\n");
    repository.commit(SECOND);
    window.see("option", SECOND);
    window.click("option", SECOND);
    window.see_text("Nothing to build");
    window.see_text("1 of 1 build usable with local");
    looks(&mut window, "pipeline-reuse");
    window.click("button", "Run");
    window.see("list", "Steps of the run");
    window.see_text("knows wren robin sparrow owl");
    window.see_text("to the first line");
    window.see_text("reused");
    window.until("nothing to run any more", |window| {
        let sections = window.seen("button", "Runs");
        sections
            .iter()
            .any(|section| section.name == "Runs")
            .then_some(())
    });
    assert_eq!(home.builds().len(), 1, "both ran in one build's images");
    let second = newest_run(&home);
    assert_ne!(first, second);

    // All runs; and from the first one to its code.
    window.press("g");
    window.press("r");
    window.see("region", "Runs of pipelines");
    looks(&mut window, "pipeline-runs");
    let commit = repository.git(&["rev-parse", "HEAD~1"]);
    window.click("button", &commit[..7]);
    window.until("the commit of the first run to be selected", |window| {
        let rows = window.seen("option", FIRST);
        rows.iter().any(|row| row.selected).then_some(())
    });

    // Another environment is another build, unless somebody insists on one.
    birds.config("user: nobody");
    let third = repository.commit(THIRD);
    window.see("option", THIRD);
    window.click("option", THIRD);
    window.see_text("2 images to build");
    looks(&mut window, "pipeline-rebuild");
    window.press("g");
    window.press("b");
    window.click("option", FIRST);
    window.click("button", "Use this build");
    window.see_text("A build of your choice");
    window.see_text("whatever the keys would find");
    let warnings = window.see("list", "Warnings").text;
    assert!(warnings.contains("changed since the build"), "{warnings}");
    looks(&mut window, "pipeline-given");
    window.click("button", "Let the keys decide");
    window.see_text("2 images to build");

    // A code repository: what is pushed is fetched from there.
    let remote = repository.beside("bird-calls.git");
    let address = format!("file://{}", remote.display());
    repository.git(&["init", "-q", "--bare", "--template=", &remote.to_string_lossy()]);
    repository.git(&["remote", "add", "origin", &address]);
    repository.git(&["push", "-q", "origin", "main"]);
    window.press("ctrl+,");
    window.see("region", "Code repositories");
    window.fill("Address of the code repository", &address);
    window.click("button", "Add");
    window.see("button", "Remove bird-calls");
    window.see("button", "Add");
    looks(&mut window, "settings-repositories");
    window.press("g");
    window.press("h");
    window.until("the code to come from the repository", |window| {
        let steps = window.seen("region", "Steps").pop()?.text;
        steps
            .contains(&format!("from code repository bird-calls at {}", &third[..7]))
            .then_some(())
    });
    looks(&mut window, "pipeline-repository");

    // Another stack, and what of the builds is usable with it.
    window.press("g");
    window.press("s");
    window.see("region", "Stacks");
    window.press("shift+n");
    window.see("dialog", "New stack");
    window.fill("Name", "field");
    window.click("summary", "For pipelines");
    window.fill("Python requirements", "librosa==0.11.0");
    window.fill("Environment", "MICROPHONE=parabolic");
    looks(&mut window, "stack-new");
    window.click("button", "Create");
    window.see("article", "Stack field");
    looks(&mut window, "stacks-pipeline");
    window.press("g");
    window.press("h");
    window.click("option", SECOND);
    window.see_text("1 of 1 build usable with local");
    window.click("combobox", "Stack: local");
    window.click("option", "field");
    window.see_text("no build usable with field");
    looks(&mut window, "pipeline-stack");
    window.click("combobox", "Stack: field");
    window.click("option", "local");
    window.see_text("1 of 1 build usable with local");
}

/// Returns the id of the run that was begun last.
fn newest_run(home: &Home) -> String {
    wait_for("a run in the catalogue", Duration::from_secs(30), || {
        let runs = home.json(&["runs", "list"]);
        runs["runs"][0]["id"].as_str().map(str::to_owned)
    })
}

/// Takes pictures of what is shown: light, dark, and in a small window.
pub(crate) fn looks(window: &mut Window, name: &str) {
    window.picture(&format!("{name}-light"));
    window.resize(900, 600);
    window.picture(&format!("{name}-light-small"));
    window.resize(1280, 800);
    if window.seen("dialog", "").is_empty() {
        window.command("Dark colours");
        window.until("the dark colours", |window| {
            (window.theme() == "dark").then_some(())
        });
        window.picture(&format!("{name}-dark"));
        window.command("Light colours");
        window.until("the light colours", |window| {
            (window.theme() == "light").then_some(())
        });
    }
}

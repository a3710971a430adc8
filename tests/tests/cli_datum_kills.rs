//! Datum pipelines whose process is killed at any moment: while code or data is copied, while code is built, in the middle of
//! a job, and while it commits.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use headstart_tests::{BUSYBOX, Home, docker, try_docker, unique, wait_for};
use serde_json::Value;
use tempfile::TempDir;

/// How often a process is killed; `HEADSTART_KILLS` says another number.
const KILLS: u64 = 40;
/// Files of the repository; each is a datum.
const FILES: u64 = 24;
/// Longest life of a process before it is killed. Most die much earlier.
const LONGEST: f64 = 5.0;
/// Kills between two runs that go on to their end.
const BETWEEN: u64 = 8;

/// What each file says.
type Files = BTreeMap<String, String>;

/// A repository, a pipeline with a build step that writes one line per datum, and one that sorts these lines.
struct Place {
    home: Home,
    folder: TempDir,
    image: String,
    lines: String,
    sorted: String,
    /// What the files said, by the commit that they were put with.
    known: BTreeMap<String, Files>,
    files: Files,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            home: Home::new(),
            folder: TempDir::new().expect("a temporary folder"),
            image: format!("headstart-sample/{}:1", unique("kills")),
            lines: unique("lines"),
            sorted: unique("sorted"),
            known: BTreeMap::new(),
            files: Files::new(),
        };
        place.write(
            "builder/Dockerfile",
            &format!("FROM {BUSYBOX}\nWORKDIR /app\nCOPY build.sh .\n"),
        );
        place.write(
            "builder/build.sh",
            "[ ! -e /pfs/source/slow ] || sleep 2\ncp /pfs/source/run.sh /pfs/source/version /pfs/out/\n",
        );
        let builder = place.path("builder");
        docker(&[
            "build",
            "--quiet",
            "--tag",
            &place.image,
            &builder.to_string_lossy(),
        ]);
        place.write(
            "code/run.sh",
            "for file in /pfs/numbers/*; do\n\
             echo \"$(cat /pfs/build/version) ${file##*/} $(cat \"$file\")\" >>/pfs/out/all\n\
             done\n",
        );
        let (image, lines, sorted) = (&place.image, &place.lines, &place.sorted);
        place.write(
            "spec.yaml",
            &format!(
                "pipeline: {{name: {lines}}}\n\
                 transform: {{build: {{image: '{image}', path: code}}}}\n\
                 parallelism_spec: {{constant: 2}}\n\
                 input: {{pfs: {{repo: numbers, glob: /*}}}}\n\
                 ---\n\
                 pipeline: {{name: {sorted}}}\n\
                 transform: {{image: '{BUSYBOX}', cmd: [sh], stdin: ['sort /pfs/{lines}/all >/pfs/out/all']}}\n\
                 input: {{pfs: {{repo: {lines}, glob: /all}}}}\n"
            ),
        );
        place.home.run(&["data", "create", "numbers"]).ok();
        place
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        let folder = path.parent().expect("it is below the folder");
        fs::create_dir_all(folder).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// Returns a command that puts files as they are on disk.
    fn put(&self) -> Vec<String> {
        ["data", "put", "numbers", &self.path("numbers").to_string_lossy()]
            .map(str::to_owned)
            .into()
    }

    /// Returns a command that submits the spec with the code as it is on disk.
    fn update(&self) -> Vec<String> {
        [
            "update",
            "pipeline",
            "-f",
            &self.path("spec.yaml").to_string_lossy(),
        ]
        .map(str::to_owned)
        .into()
    }

    /// Changes some files on disk.
    fn change_files(&mut self, round: u64) {
        for number in 0..FILES {
            if round == 0 || number % 6 == round % 6 {
                let name = format!("{number:02}");
                let text = format!("{number} of {round}");
                self.write(&format!("numbers/{name}"), &text);
                self.files.insert(name, text);
            }
        }
    }

    /// Changes the code on disk.
    fn change_code(&self, round: u64) {
        self.write("code/version", &round.to_string());
    }

    fn run(&self, command: &[String]) {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        self.home.run(&words).ok();
    }

    /// Starts a command and kills it after a while. Returns whether it was still running.
    fn kill(&self, command: &[String], after: Duration) -> bool {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let mut running = self
            .home
            .command(&words)
            .stdout(Stdio::null())
            .spawn()
            .expect("headstart starts");
        std::thread::sleep(after);
        running.kill().expect("it is ours");
        !running.wait().expect("it ended").success()
    }

    /// Notes what the newest commit of the files holds: those on disk now, when it is new.
    fn note(&mut self) {
        let log = self.home.json(&["data", "log", "numbers", "--limit", "1"]);
        let head = text(&log[0]["id"]);
        let files = self.files.clone();
        self.known.entry(head).or_insert(files);
    }

    /// Returns what the pipeline writes for files and a version of the code, sorted.
    fn expected(&self, commit: &str, code: &str) -> Vec<String> {
        let files = self.known.get(commit).expect("a commit of these files");
        let line = |(name, text): (&String, &String)| format!("{code} {name} {text}");
        files.iter().map(line).collect()
    }

    fn cat(&self, revision: &str, path: &str) -> String {
        self.home.run(&["data", "cat", revision, path]).ok().stdout
    }

    /// Checks that nothing is half there, and that nothing stays of those that were killed.
    fn check(&self, round: u64) {
        let listed = self.home.json(&["jobs", "list", "--limit", "1000"]);
        let jobs = listed["jobs"].as_array().expect("jobs");
        for job in jobs {
            let status = &job["status"];
            assert!(
                status == "succeeded" || status == "interrupted",
                "round {round}: its process is dead: {job}"
            );
        }
        self.nothing_is_left(round);
        for repo in [&self.lines, &self.sorted] {
            let Some(head) = self.head(repo) else { continue };
            let job = jobs.iter().find(|job| job["id"] == head["job"]);
            let job = job.unwrap_or_else(|| panic!("round {round}: {head} is of no job"));
            assert!(
                job["status"] == "succeeded" && job["pipeline"] == **repo,
                "round {round}: {head} is of {job}"
            );
            let id = text(&head["id"]);
            let written = sorted(&self.cat(&id, "/all"));
            let expected = match repo == &self.lines {
                true => {
                    let code = self.cat(&input(job, "build"), "/version");
                    self.expected(&input(job, "numbers"), code.trim())
                }
                false => sorted(&self.cat(&input(job, &self.lines), "/all")),
            };
            assert_eq!(written, expected, "round {round}: {repo}");
        }
    }

    fn head(&self, repo: &str) -> Option<Value> {
        let found = self.home.run(&["data", "log", repo, "--limit", "1", "--json"]);
        // Before the pipeline was submitted there is no repository.
        (found.code == 0)
            .then(|| found.json()[0].clone())
            .filter(Value::is_object)
    }

    fn left(&self) -> Vec<String> {
        let code = format!("{}_build", self.lines);
        let mut found = Vec::new();
        for pipeline in [&self.lines, &self.sorted, &code] {
            let label = format!("label=dev.headstart.pipeline={pipeline}");
            let format = "{{.ID}} {{.Label \"dev.headstart.role\"}} {{.Status}}";
            let containers = docker(&["ps", "--all", "--filter", &label, "--format", format]);
            let volumes = docker(&["volume", "ls", "--quiet", "--filter", &label]);
            found.extend(containers.lines().chain(volumes.lines()).map(str::to_owned));
        }
        found
    }

    fn nothing_is_left(&self, round: u64) {
        let mut left = self.left();
        // A container that was being made when its process was killed goes with the next start.
        for _ in 0..100 {
            if left.is_empty() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
            left = self.left();
        }
        panic!("round {round}: {left:?} is left");
    }

    /// Runs to the end, and checks that everything is there once.
    fn finish(&mut self, round: u64) {
        self.run(&self.put());
        self.note();
        self.run(&self.update());
        self.check(round);
        let code = fs::read_to_string(self.path("code/version")).expect("the version");
        let head = self.head(&self.sorted).expect("an output");
        let expected: Vec<String> = self
            .files
            .iter()
            .map(|(name, text)| format!("{code} {name} {text}"))
            .collect();
        let written = self.cat(&text(&head["id"]), "/all");
        assert_eq!(
            written.lines().collect::<Vec<_>>(),
            expected,
            "round {round}: each datum once, of what is there now"
        );
        let listed = self
            .home
            .json(&["jobs", "list", "--pipeline", &self.lines, "--limit", "1"]);
        let job = &listed["jobs"][0];
        let count = |name: &str| job[name].as_u64().expect("a number");
        assert_eq!(count("total"), FILES, "round {round}: {job}");
        assert_eq!(
            count("processed") + count("reused"),
            FILES,
            "round {round}: each is counted once: {job}"
        );
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(try_docker(&["rmi", "--force", &self.image]));
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// Returns the commit that a job had at an input.
fn input(job: &Value, name: &str) -> String {
    let inputs = job["inputs"].as_array().expect("inputs");
    let found = inputs.iter().find(|input| input["name"] == name);
    text(&found.expect("the input")["commit"])
}

#[test]
fn whatever_is_killed_leaves_whole_commits_and_every_datum_is_there_once_in_the_end() {
    let kills = std::env::var("HEADSTART_KILLS").map_or(KILLS, |text| text.parse().expect("a number"));
    let mut place = Place::new();
    place.change_files(0);
    place.change_code(0);
    place.run(&place.put());
    place.note();
    let (mut killed, mut state) = (0, 20_u64);
    let mut longest = LONGEST;
    for round in 1..=kills {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let share = (state >> 11) as f64 / (1_u64 << 53) as f64;
        let after = Duration::from_secs_f64(share.powf(1.7) * longest);
        let command = match state >> 33 & 3 {
            0 | 1 => {
                place.change_code(round);
                place.update()
            }
            2 => {
                place.change_files(round);
                place.put()
            }
            // What the one before began.
            _ => place.update(),
        };
        let died = place.kill(&command, after);
        killed += u64::from(died);
        // How long a process lives by itself is up to the machine.
        longest = match died {
            true => (longest * 1.05).min(LONGEST),
            false => longest * 0.7,
        };
        place.note();
        place.check(round);
        if round % BETWEEN == 0 || round == kills {
            place.finish(round);
        }
    }
    eprintln!("{killed} were killed, {} had ended, of {kills}", kills - killed);
    assert!(killed * 2 >= kills, "most were killed: {killed} of {kills}");
    wait_for("what the last one had", Duration::from_secs(10), || {
        place.left().is_empty().then_some(())
    });
}

#[test]
fn code_whose_build_was_killed_is_built_before_data_is_processed_with_it() {
    let mut place = Place::new();
    place.change_files(0);
    place.change_code(0);
    place.run(&place.put());
    place.run(&place.update());
    place.change_code(1);
    place.write("code/slow", "");
    let mut update = place.update();
    update.push("--json".to_owned());
    let words: Vec<&str> = update.iter().map(String::as_str).collect();
    let mut running = place.home.start(&words);
    running.until(|event| event["jobs"].is_array().then_some(()));
    drop(running);
    place.change_files(1);
    place.run(&place.put());
    let written = place.cat(&format!("{}@master", place.sorted), "/all");
    assert!(
        written.lines().all(|line| line.starts_with("1 ")),
        "the new code made all of it: {written}"
    );
    assert_eq!(written.lines().count() as u64, FILES);
    place.nothing_is_left(0);
}

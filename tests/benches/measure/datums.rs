//! Datum pipelines: planning a hundred thousand datums, what a datum costs beside its command, and changed code.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use headstart_tests::{BUSYBOX, Home, docker, peak, try_docker, unique, workspace};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::figures::{Table, ms, percentile, timed};

const PLANNED: usize = 100_000;
const PROCESSED: usize = 2_000;
const GO: &str = "headstart-sample/newest-go:1";
/// Rounds of changed code.
const ROUNDS: usize = 7;

/// A home with a repository `numbers` of many small files.
struct Place {
    home: Home,
    folder: TempDir,
}

impl Place {
    fn new(files: usize) -> Result<Self> {
        let folder = TempDir::new()?;
        let place = Self {
            home: Home::new(),
            folder,
        };
        let numbers = place.path("numbers");
        fs::create_dir(&numbers)?;
        for number in 0..files {
            fs::write(numbers.join(format!("{number:06}")), format!("{number}\n"))?;
        }
        place.home.run(&["data", "create", "numbers"]).ok();
        place.put(&numbers);
        Ok(place)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn put(&self, path: &Path) {
        self.home
            .run(&["data", "put", "numbers", &path.to_string_lossy()])
            .ok();
    }

    /// Writes a spec over the repository and returns its path.
    fn spec(&self, name: &str, transform: &Value) -> Result<String> {
        let path = self.path(&format!("{name}.json"));
        let spec = json!({
            "pipeline": { "name": name },
            "transform": transform,
            "input": { "pfs": { "repo": "numbers", "glob": "/*" } },
        });
        fs::write(&path, spec.to_string())?;
        Ok(path.to_string_lossy().into_owned())
    }
}

/// Measures what a plan takes when all datums but one were processed before.
pub(crate) fn plan(table: &mut Table) -> Result<()> {
    let place = Place::new(PLANNED)?;
    let home = &place.home;
    let spec = place.spec("many", &json!({ "image": BUSYBOX, "cmd": ["true"] }))?;
    pretend_processed(home, &spec)?;
    let one = place.path("one-more");
    fs::write(&one, "one more\n")?;
    let (_, put) = timed(|| {
        // Nothing reads the branch, so that no job begins.
        home.run(&["data", "branch", "numbers", "other", "--from", "master"])
            .ok();
        let place = one.to_string_lossy().into_owned();
        home.run(&["data", "put", "numbers@other", &place]).ok();
        Ok(())
    })?;
    let plan = home.json(&["update", "pipeline", "-f", &spec, "--dry-run"]);
    let counts = &plan["pipelines"][0]["datums"];
    ensure!(
        counts["total"] == PLANNED && counts["reused"] == PLANNED,
        "all of them are known: {counts}"
    );
    let (mut ours, mut most) = (Vec::new(), 0);
    for _ in 0..9 {
        let begun = Instant::now();
        let (status, bytes) = peak(&mut home.command(&["update", "pipeline", "-f", &spec, "--dry-run"]))?;
        ours.push(begun.elapsed());
        ensure!(status.success(), "a plan");
        most = most.max(bytes);
    }
    let (mut beside, listed) = listed_by_git(&place.path("numbers"))?;
    ensure!(listed == PLANNED, "git has the same files");
    let (usual, slow) = (percentile(&mut ours, 50), percentile(&mut ours, 95));
    let peer = percentile(&mut beside, 50);
    table.row(
        "plan of 100,000 datums, all processed before, whole process, p50 and p95",
        format!("{}, {}, {} MiB at most", ms(usual), ms(slow), most >> 20),
        format!(
            "the same files listed by `git ls-tree` and hashed by Python {}, {:.1} times",
            ms(peer),
            peer.as_secs_f64() / usual.as_secs_f64()
        ),
        "2 s, 256 MiB",
        slow <= Duration::from_secs(2) && most <= 256 << 20,
    );
    eprintln!("a branch, and one file put into it: {}", ms(put));
    Ok(())
}

/// Lets a job begin, and writes results of all its datums into the database as if it had ended well.
fn pretend_processed(home: &Home, spec: &str) -> Result<()> {
    let mut running = home.start(&["update", "pipeline", "-f", spec, "--json"]);
    let job = running.until(|event| {
        let job = &event["job"];
        (job["total"] == PLANNED).then(|| job["id"].as_str().unwrap_or_default().to_owned())
    });
    drop(running);
    // Asked for before anything is written: the program waits for who writes.
    let mut hashes = Vec::with_capacity(PLANNED);
    for page in 0..PLANNED / 1000 {
        let offset = (page * 1000).to_string();
        let listed = home.json(&["jobs", "datums", &job, "--limit", "1000", "--offset", &offset]);
        for datum in listed["datums"].as_array().context("datums")? {
            hashes.push(datum["hash"].as_str().context("a hash")?.to_owned());
        }
    }
    let mut database = Connection::open(home.path().join("artifacts/data.db"))?;
    let tx = database.transaction()?;
    tx.execute("DELETE FROM datums", [])?;
    let outcome =
        json!({ "state": "processed", "attempts": 1, "exit_code": 0, "duration_ms": 5, "error": null });
    for hash in &hashes {
        tx.prepare_cached(
            "INSERT INTO datums VALUES('many', unhex(?1), 'processed', ?2, zeroblob(32), 7, 7, 5, ?3)",
        )?
        .execute(params![hash, job, outcome.to_string()])?;
    }
    tx.execute(
        "UPDATE jobs SET status = 'succeeded', record = json_set(record, '$.status', 'succeeded')",
        [],
    )?;
    tx.commit()?;
    Ok(())
}

/// Lists and hashes the files of a folder as committed to git. Returns how long that takes, and how many there are.
fn listed_by_git(folder: &Path) -> Result<(Vec<Duration>, usize)> {
    let git = |arguments: &[&str]| -> Result<()> {
        let status = Command::new("git")
            .args([
                "-c",
                "user.name=A",
                "-c",
                "user.email=a@example.org",
                "-c",
                "gc.auto=0",
            ])
            .args(arguments)
            .current_dir(folder)
            .status()?;
        ensure!(status.success(), "git {arguments:?}");
        Ok(())
    };
    git(&["init", "-q"])?;
    git(&["add", "-A"])?;
    git(&["commit", "-q", "-m", "all"])?;
    let script = "import hashlib, subprocess\n\
        files = subprocess.run(['git', 'ls-tree', '-r', '-l', 'HEAD'], stdout=subprocess.PIPE).stdout.splitlines()\n\
        print(len({hashlib.sha256(b'many' + file).digest() for file in files}))";
    let (mut samples, mut count) = (Vec::new(), 0);
    for _ in 0..5 {
        let (output, took) = timed(|| {
            let mut python = Command::new("python3");
            Ok(python.args(["-c", script]).current_dir(folder).output()?)
        })?;
        ensure!(output.status.success(), "python");
        count = String::from_utf8(output.stdout)?.trim().parse()?;
        samples.push(took);
    }
    Ok((samples, count))
}

/// Measures what a datum costs, beside one container that does the same commands in a loop.
pub(crate) fn each(table: &mut Table) -> Result<()> {
    let place = Place::new(PROCESSED)?;
    let command = "cat /pfs/numbers/* >/pfs/out/x";
    let transform = json!({ "image": BUSYBOX, "cmd": ["sh", "-c", command] });
    let spec = place.spec("trivial", &transform)?;
    place.home.run(&["update", "pipeline", "-f", &spec]).ok();
    let (mut ours, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let again = ["update", "pipeline", "-f", &spec, "--reprocess"];
        ours.push(timed(|| Ok(place.home.run(&again).ok()))?.1);
        let mount = format!("{}:/in:ro", place.path("numbers").display());
        let looped = "mkdir /out; for file in /in/*; do sh -c \"cat $file >/out/${file##*/}\"; done";
        let arguments = [
            "run",
            "--rm",
            "--network",
            "none",
            "-v",
            &mount,
            BUSYBOX,
            "sh",
            "-c",
            looped,
        ];
        beside.push(timed(|| Ok(docker(&arguments)))?.1);
    }
    let (all, peer) = (percentile(&mut ours, 50), percentile(&mut beside, 50));
    let over = all.saturating_sub(peer) / u32::try_from(PROCESSED)?;
    table.row(
        "a datum beyond its command, of 2,000 in one worker, job's start and end included",
        ms(over),
        format!("whole: {}, `docker run` of one loop {}", ms(all), ms(peer)),
        "20 ms",
        over <= Duration::from_millis(20),
    );
    Ok(())
}

/// Measures the way from changed code to the first line that a datum writes: code as an input beside a new image.
pub(crate) fn code(table: &mut Table) -> Result<()> {
    let setup = Command::new(workspace().join(".ci/setup/images.sh"))
        .arg("newest-go")
        .stdin(Stdio::null())
        .status()?;
    if !setup.success() || try_docker(&["image", "inspect", GO]).is_err() {
        eprintln!("code: no image with Go, left out");
        return Ok(());
    }
    let place = Place::new(4)?;
    let builder = format!("headstart-sample/{}:1", unique("bench-builder"));
    let image = format!("headstart/{}", unique("bench-map"));
    let registry = std::env::var("HEADSTART_DEV_REGISTRY").ok();
    let pushed = match &registry {
        Some(registry) => format!("{registry}/{image}"),
        None => image.clone(),
    };
    let folder = place.path("builder");
    let text = |path: &Path| path.to_string_lossy().into_owned();
    place
        .home
        .run(&["builder", "new", "go", "--base", GO, "--folder", &text(&folder)])
        .ok();
    docker(&["build", "--quiet", "--tag", &builder, &text(&folder)]);
    fs::create_dir(place.path("code"))?;
    fs::write(
        place.path("code/Dockerfile"),
        format!("FROM {GO}\nWORKDIR /app\nCOPY . .\nRUN go build -buildvcs=false -o /bin/main .\n"),
    )?;
    fs::write(place.path("code/go.mod"), "module map\n\ngo 1.19\n")?;
    let as_input = json!({ "build": { "image": builder, "path": "code" } });
    let as_image = json!({ "image": pushed, "dockerfile": "code/Dockerfile", "cmd": ["/bin/main"] });
    let as_input = place.spec("map", &as_input)?;
    let as_image = place.spec("map-image", &as_image)?;
    let built = ["--build", "--reprocess"];
    let (mut ours, mut beside) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let line = format!("round {round}");
        let main = format!(
            r#"package main

import (
	"fmt"
	"os"
)

func main() {{
	fmt.Println("{line}")
	names, _ := os.ReadDir("/pfs/numbers/")
	for _, name := range names {{
		text, _ := os.ReadFile("/pfs/numbers/" + name.Name())
		os.WriteFile("/pfs/out/"+name.Name(), text, 0o644)
	}}
}}
"#
        );
        fs::write(place.path("code/main.go"), main)?;
        let input = first_line(&place.home, &as_input, &[], &line);
        let image = first_line(&place.home, &as_image, &built, &line);
        // The first one of each makes repositories and fills caches.
        if round > 0 {
            ours.push(input);
            beside.push(image);
        }
    }
    let name = format!("reference=*{image}");
    let anywhere = format!("reference=*/*{image}");
    let format = "{{.Repository}}:{{.Tag}}";
    let listed = try_docker(&[
        "images", "--filter", &name, "--filter", &anywhere, "--format", format,
    ]);
    for reference in listed.unwrap_or_default().lines().chain([builder.as_str()]) {
        drop(try_docker(&["rmi", "--force", reference]));
    }
    if registry.is_some() {
        headstart_tests::registry::remove_repository(&image);
    }
    let slow = percentile(&mut ours, 95);
    let (usual, peer) = (percentile(&mut ours, 50), percentile(&mut beside, 50));
    let ratio = peer.as_secs_f64() / usual.as_secs_f64();
    table.row(
        "changed Go code as an input, to the first datum's line, p50 and p95",
        format!("{}, {}", ms(usual), ms(slow)),
        format!("`--build` of the same change {}, {ratio:.1} times", ms(peer)),
        "3 times faster",
        ratio >= 3.0,
    );
    Ok(())
}

/// Returns how long an update takes until a datum of the pipeline has written a line.
fn first_line(home: &Home, spec: &str, more: &[&str], text: &str) -> Duration {
    let mut arguments = vec!["update", "pipeline", "-f", spec, "--json"];
    arguments.extend(more);
    let begun = Instant::now();
    let mut running = home.start(&arguments);
    running.until_log(text);
    let took = begun.elapsed();
    running.wait().ok();
    took
}

//! `data put` that is killed at any moment.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use headstart_tests::Home;
use tempfile::TempDir;

const ROUNDS: u64 = 60;

/// Writes files that all say which version they are of: small ones, and one that lies in several chunks.
fn write(folder: &Path, version: u64) {
    for number in 0..60 {
        let text = format!("{version} {number}");
        fs::write(folder.join(format!("small-{number}")), text).expect("a small file");
    }
    let mut large = format!("{version} large").into_bytes();
    let mut state = version + 1;
    large.extend(
        std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .take(3 << 20),
    );
    fs::write(folder.join("large"), large).expect("a large file");
}

/// Returns which versions the files of a branch are of, and how many there are.
fn versions(home: &Home) -> (BTreeSet<u64>, usize) {
    let out = TempDir::new().expect("a temporary folder");
    let to = out.path().join("out");
    home.run(&["data", "export", "images", &to.to_string_lossy()])
        .ok();
    let files = fs::read_dir(to).expect("what was exported").flatten();
    let versions: Vec<u64> = files
        .filter(|file| file.file_name() != "after")
        .map(|file| {
            let bytes = fs::read(file.path()).expect("a file that was exported");
            let start = bytes.split(|byte| *byte == b' ').next().unwrap_or_default();
            String::from_utf8_lossy(start).parse().expect("a version")
        })
        .collect();
    (versions.iter().copied().collect(), versions.len())
}

#[test]
fn a_put_that_is_killed_is_there_as_a_whole_or_not_at_all() {
    let home = Home::new();
    home.run(&["data", "create", "images"]).ok();
    let sources = TempDir::new().unwrap();
    let put = ["data", "put", "images", sources.path().to_str().unwrap()];
    write(sources.path(), 0);
    let began = Instant::now();
    home.run(&put).ok();
    let whole = began.elapsed();
    let after = TempDir::new().unwrap();
    let after = after.path().join("after");
    let (mut last, mut killed, mut done) = (0, 0, 0);
    for round in 1..=ROUNDS {
        write(sources.path(), round);
        let mut running = home
            .command(&put)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // Moments all over the time that it takes, and somewhat behind.
        let share = (round * 37 % ROUNDS) as f64 / ROUNDS as f64 * 1.1;
        std::thread::sleep(Duration::from_secs_f64(whole.as_secs_f64() * share));
        running.kill().unwrap();
        match running.wait().unwrap().success() {
            true => done += 1,
            false => killed += 1,
        }
        let (seen, count) = versions(&home);
        assert_eq!(count, 61, "round {round}");
        assert!(seen.len() == 1, "round {round}: files of {seen:?} in one commit");
        let seen = seen.into_iter().next().unwrap();
        assert!(
            seen == last || seen == round,
            "round {round}: version {seen} after {last}"
        );
        last = seen;
        fs::write(&after, format!("{round} after")).unwrap();
        home.run(&["data", "put", "images", after.to_str().unwrap()]).ok();
        home.run(&["data", "sweep"]).ok();
        let left = home.json(&["data", "sweep", "--dry-run"]);
        assert_eq!(left["chunks"], 0, "round {round}: {left}");
        for folder in ["writers", "chunks/partial"] {
            let left = fs::read_dir(home.path().join("artifacts").join(folder))
                .unwrap()
                .count();
            assert_eq!(left, 0, "round {round}: {folder}");
        }
    }
    eprintln!("{killed} were killed, {done} had ended, of {ROUNDS}");
    assert!(killed >= ROUNDS / 2, "most were killed: {killed}");
}

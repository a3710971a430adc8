//! Plans of many datums.

use std::fs;

use headstart_tests::{BUSYBOX, Home, peak};
use tempfile::TempDir;

const FILES: u64 = 20_000;

#[test]
fn many_datums_are_planned_in_little_memory() {
    let home = Home::new();
    let folder = TempDir::new().unwrap();
    let numbers = folder.path().join("numbers");
    fs::create_dir(&numbers).unwrap();
    for number in 0..FILES {
        fs::write(numbers.join(number.to_string()), "the same in all").unwrap();
    }
    home.run(&["data", "create", "numbers"]).ok();
    let spec = folder.path().join("spec.yaml");
    let text = format!(
        "pipeline: {{name: many}}\ntransform: {{image: '{BUSYBOX}', cmd: ['true']}}\n\
         input: {{cross: [{{pfs: {{repo: numbers, glob: /*}}}}, {{pfs: {{name: all, repo: numbers, glob: /}}}}]}}\n"
    );
    fs::write(&spec, text).unwrap();
    let plan = ["update", "pipeline", "--dry-run", "-f", spec.to_str().unwrap()];
    let (status, of_none) = peak(&mut home.command(&plan)).unwrap();
    assert!(status.success());
    let put = ["data", "put", "numbers", numbers.to_str().unwrap()];
    let (status, of_put) = peak(&mut home.command(&put)).unwrap();
    assert!(status.success());
    let (status, of_many) = peak(&mut home.command(&plan)).unwrap();
    assert!(status.success());
    let counts = home.json(&plan)["pipelines"][0]["datums"].clone();
    assert_eq!(counts["new"], FILES, "{counts}");
    eprintln!(
        "MiB: none {}, put {}, {FILES} datums {}",
        of_none >> 20,
        of_put >> 20,
        of_many >> 20
    );
    for more in [of_put, of_many] {
        let each = more.saturating_sub(of_none) / FILES;
        assert!(each < 2048, "{each} bytes for each of them");
    }
}

#[test]
fn what_is_no_spec_is_refused_with_what_to_do() {
    let home = Home::new();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("spec.json");
    let update = ["update", "pipeline", "-f", path.to_str().unwrap()];
    let missing = home.run(&update).exits(2);
    assert!(missing.stderr.contains("cannot be read"), "{}", missing.stderr);
    fs::write(&path, "hello\n").unwrap();
    let text = home.run(&update).exits(2);
    assert!(text.stderr.contains("spec.json:1:1:"), "{}", text.stderr);
    fs::write(
        &path,
        r#"{"pipeline": {"name": "p"}, "transform": {"image": "a:1"}, "spout": {}}"#,
    )
    .unwrap();
    let spout = home.run(&update).exits(2);
    assert!(
        spout.stderr.contains("spouts are not supported here"),
        "{}",
        spout.stderr
    );
    assert_eq!(
        home.json(&["pipelines", "list"]).as_array().map(Vec::len),
        Some(0),
        "nothing was submitted"
    );
}

//! A datum pipeline from its spec to its output, and its code changed without an image built.

use headstart_tests::window::{Desktop, Window};
use headstart_tests::{Home, unique, wait_for};
use serde_json::Value;
use std::time::Duration;
use tempfile::TempDir;

use crate::pipeline::looks;

const PYTHON: &str = "headstart-sample/python:1";

/// Counts the words of each page.
const CODE: &str = "\
import os
for page in sorted(os.listdir('/pfs/scraper')):
    for word in open('/pfs/scraper/' + page).read().split():
        with open('/pfs/out/' + word, 'a') as counts:
            counts.write(page + '\\n')
";

#[test]
fn a_spec_is_dropped_submitted_watched_and_its_code_changed() {
    let home = Home::new();
    let folder = TempDir::with_prefix("headstart-map-").unwrap_or_else(|error| panic!("{error}"));
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let map = unique("map").replace('-', "_");
    let builders = format!(r#"[{{"language": "python", "image": "{PYTHON}"}}]"#);
    home.run(&["settings", "set", "builder_images", &builders]).ok();
    home.run(&["settings", "set", "notifications.focused_threshold_s", "0"])
        .ok();
    write("pages/home", "the owl and the wren\n");
    write("pages/about", "the park\n");
    write("source/main.py", CODE);
    write("source/notes.txt", "not code\n");
    write("source/.pachignore", "*.pyc\nnotes.txt\n");
    let spec = format!(
        "{{\n  \"pipeline\": {{\n    \"name\": \"{map}\"\n  }},\n  \
         \"description\": \"Tokenizes scraped pages and appends counts of words to corresponding files.\",\n  \
         \"transform\": {{\n    \"build\": {{\n      \"language\": \"python\",\n      \"path\": \"./source\"\n    }}\n  }},\n  \
         \"input\": {{\n    \"pfs\": {{\n      \"repo\": \"scraper\",\n      \"glob\": \"/*\"\n    }}\n  }}\n}}\n"
    );
    write("map.json", &spec);
    let desktop = Desktop::new(&home);
    let mut window = Window::open(&desktop);
    window.command("Light colours");

    // A spec whose data is missing says so at its line, and what to do.
    let drag = window.drag(&folder.path().join("map.json"));
    window.see_text(&map);
    window.picture("datums-drop");
    drag.let_go();
    window.see_text("scraper not found");
    looks(&mut window, "datums-problem");
    home.run(&["data", "create", "scraper"]).ok();
    let pages = folder.path().join("pages");
    home.run(&["data", "put", "scraper", pages.to_str().unwrap(), "--to", "/"])
        .ok();

    // What it costs, before it is submitted.
    window.see_text("2 new");
    window.see_text("notes.txt");
    looks(&mut window, "datums-submit");
    window.click("button", "Submit");
    looks(&mut window, "datums-submitting");

    // The job that builds the code is watched; the one that processes the pages follows.
    window.see_text("of 1 datums were processed");
    looks(&mut window, "datums-job-build");
    let job = newest(&home, &map, 1);
    assert_eq!(job["processed"], 2, "both pages are processed: {job}");

    // The output, with the mouse.
    window.press("g");
    window.press("d");
    window.see_text(&map);
    looks(&mut window, "datums-pipelines");
    window.click("button", &map);
    window.see_text("cross of source, build and scraper");
    looks(&mut window, "datums-pipeline");
    window.press("g");
    window.press("f");
    window.see("region", "Repositories");
    looks(&mut window, "data-repositories");
    window.click("button", &map);
    window.see("listbox", "Files");
    looks(&mut window, "data-repository");
    window.click("option", "the");
    window.see("region", "File the");
    window.see_text("about");
    looks(&mut window, "data-file");

    // One more page is one more datum.
    write("more/tree", "a wren\n");
    let more = folder.path().join("more/tree");
    home.run(&["data", "put", "scraper", more.to_str().unwrap()]).ok();
    let job = newest(&home, &map, 2);
    assert_eq!(
        (&job["processed"], &job["reused"]),
        (&1.into(), &2.into()),
        "{job}"
    );

    // Changed code: what each choice costs is said before, and no image is built.
    let builds = home.builds().len();
    write(
        "source/main.py",
        &CODE.replace("page + '\\n'", "page.upper() + '\\n'"),
    );
    let drag = window.drag(&folder.path().join("map.json"));
    drag.let_go();
    window.see_text("1 file differs");
    window.see_text("3 redone");
    looks(&mut window, "datums-update");
    window.click("button", &format!("Update {map}"));
    let job = newest(&home, &map, 3);
    assert_eq!(
        job["processed"], 3,
        "everything is processed by the new code: {job}"
    );
    assert_eq!(home.builds().len(), builds, "no image was built");
    let counts = home.run(&["data", "cat", &map, "/wren"]).ok().stdout;
    assert_eq!(counts, "HOME\nTREE\n", "the new code wrote it");
    window.press("g");
    window.press("r");
    window.see_text(&map);
    looks(&mut window, "runs-with-jobs");
    let told = desktop.wait_for_notification("of the job", |notice| notice.title.contains(&map));
    assert!(told.body.contains("processed in"), "{told:?}");
}

/// Waits until a pipeline has so many jobs that succeeded and returns the newest.
fn newest(home: &Home, pipeline: &str, count: usize) -> Value {
    wait_for("a job to succeed", Duration::from_secs(90), || {
        let list = home.json(&["jobs", "list", "--pipeline", pipeline]);
        let jobs = list["jobs"].as_array()?;
        let ended = jobs.len() == count && jobs[0]["status"] == "succeeded";
        ended.then(|| jobs[0].clone())
    })
}

//! The example of build pipelines from its document, from the command line: what is processed again when data, code or a
//! choice changes, and what comes out, byte for byte.

use headstart_tests::datum::{Pipelines, files, pfs, shell};
use headstart_tests::docker;
use serde_json::{Value, json};

const PYTHON: &str = "headstart-sample/python:1";
const GO: &str = "headstart-sample/go:1";

/// Counts the words of pages and appends the counts to a file of each word.
const MAP_PYTHON: &str = r#"
import collections, os, re

for page in sorted(os.listdir("/pfs/scraper")):
    with open("/pfs/scraper/" + page) as text:
        counts = collections.Counter(re.findall("[a-z]+", text.read().lower()))
    for word, count in sorted(counts.items()):
        with open("/pfs/out/" + word, "a") as out:
            out.write(f"{count}\n")
"#;

/// The same in Go.
const MAP_GO: &str = r#"package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	pages, err := os.ReadDir("/pfs/scraper")
	must(err)
	for _, page := range pages {
		text, err := os.ReadFile("/pfs/scraper/" + page.Name())
		must(err)
		counts := map[string]int{}
		for _, word := range regexp.MustCompile("[a-z]+").FindAllString(strings.ToLower(string(text)), -1) {
			counts[word]++
		}
		for word, count := range counts {
			out, err := os.OpenFile("/pfs/out/"+word, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
			must(err)
			_, err = fmt.Fprintf(out, "%d\n", count)
			must(err)
			must(out.Close())
		}
	}
}
"#;

/// Pages, the largest first: datums stand in this order.
const ONE: (&str, &str) = ("one", "The cat saw the dog.\n");
const TWO: (&str, &str) = ("two", "dog, dog, dog\n");
const THREE: (&str, &str) = ("three", "the dog\n");

fn map(language: &str) -> Value {
    json!({
        "pipeline": { "name": "map" },
        "description": "A pipeline that tokenizes scraped pages and appends counts of words to corresponding files.",
        "transform": { "build": { "language": language, "path": "./source" } },
        "input": { "pfs": { "repo": "scraper", "glob": "/*" } },
    })
}

#[test]
fn the_example_in_python_processes_what_is_new_and_everything_after_a_change_of_code() {
    let mut at = Pipelines::with(&["scraper"]);
    at.builder_base("python", PYTHON);
    at.put("scraper", &[ONE, THREE]).ok();
    at.write("source/main.py", MAP_PYTHON);
    at.spec(&[map("python")]);
    assert_eq!(at.planned(&[]), [2, 0, 0, 0]);
    assert!(at.home.builds().is_empty(), "a dry run builds nothing");
    at.update(&[]).ok();
    assert_eq!(at.counts("map"), [2, 0, 0, 0]);
    let builds = at.home.builds().len();
    assert_eq!(builds, 1, "the builder's image");
    assert_eq!(
        at.files("map"),
        files(&[
            ("cat", "1\n"),
            ("dog", "1\n1\n"),
            ("saw", "1\n"),
            ("the", "2\n1\n")
        ])
    );
    assert_eq!(at.files("map_build@source"), files(&[("main.py", MAP_PYTHON)]));

    // One more file.
    at.put("scraper", &[TWO]).ok();
    assert_eq!(at.counts("map"), [1, 2, 0, 0]);
    assert_eq!(at.files("map")["dog"], "1\n3\n1\n");
    assert_eq!(at.jobs("map_build").len(), 1, "the code did not change");

    // One changed line of code.
    at.write("source/main.py", &MAP_PYTHON.replace("{count}", "{count}!"));
    assert_eq!(at.planned(&[]), [0, 0, 3, 0]);
    at.update(&[]).ok();
    assert_eq!(at.counts("map"), [3, 0, 0, 0]);
    assert_eq!(at.files("map")["dog"], "1!\n3!\n1!\n");

    // Nothing changed.
    assert_eq!(at.planned(&[]), [0, 3, 0, 0]);
    let told = at.update(&["--dry-run"]).ok().stdout;
    for line in [
        "datums   0 new, 3 used again of 3",
        "code-as-input: 0 new, 3 used again of 3",
        "new-data-only: 0 new, 3 used again of 3",
        "reprocess-all: 0 new, 0 used again, 3 to process again of 3",
    ] {
        assert!(told.contains(line), "{line} in {told}");
    }
    at.update(&[]).ok();
    assert_eq!(at.counts("map"), [0, 3, 0, 0]);

    assert_eq!(at.planned(&["--reprocess"]), [0, 0, 3, 0]);
    at.update(&["--reprocess"]).ok();
    assert_eq!(at.counts("map"), [3, 0, 0, 0]);

    // New code for new data only.
    at.write("source/main.py", &MAP_PYTHON.replace("{count}", "new {count}"));
    let only_new = ["--choice", "new-data-only"];
    assert_eq!(at.planned(&only_new), [0, 3, 0, 0]);
    at.update(&only_new).ok();
    assert_eq!(at.counts("map"), [0, 3, 0, 0]);
    assert_eq!(at.files("map")["dog"], "1!\n3!\n1!\n", "what was processed stays");
    at.put("scraper", &[("zwei", "dog bird\n")]).ok();
    assert_eq!(at.counts("map"), [1, 3, 0, 0]);
    assert_eq!(
        (&*at.files("map")["dog"], &*at.files("map")["bird"]),
        ("1!\n3!\nnew 1\n1!\n", "new 1\n"),
        "the new page is read by the new code"
    );

    // Back to code as an input: everything is redone.
    assert_eq!(at.planned(&[]), [0, 0, 4, 0]);
    at.update(&[]).ok();
    assert_eq!(at.counts("map"), [4, 0, 0, 0]);
    assert_eq!(at.files("map")["dog"], "new 1\nnew 3\nnew 1\nnew 1\n");

    // What goes takes its output with it.
    at.home.run(&["data", "remove", "scraper", "/one", "/zwei"]).ok();
    assert_eq!(at.counts("map"), [0, 2, 0, 0]);
    assert_eq!(
        at.files("map"),
        files(&[("dog", "new 3\nnew 1\n"), ("the", "new 1\n")])
    );

    assert_eq!(
        at.home.builds().len(),
        builds,
        "only the first submission built an image"
    );
    assert_eq!(at.left_behind(), Vec::<String>::new());
}

#[test]
fn the_example_in_go_compiles_once_per_change_and_builds_no_image_for_it() {
    let mut at = Pipelines::with(&["scraper"]);
    at.builder_base("go", GO);
    at.put("scraper", &[ONE, THREE]).ok();
    at.write("source/main.go", MAP_GO);
    at.write("source/go.mod", "module example.org/map\n\ngo 1.19\n");
    at.spec(&[map("go")]);
    at.update(&[]).ok();
    assert_eq!(at.counts("map"), [2, 0, 0, 0]);
    assert_eq!(
        at.files("map"),
        files(&[
            ("cat", "1\n"),
            ("dog", "1\n1\n"),
            ("saw", "1\n"),
            ("the", "2\n1\n")
        ])
    );
    at.put("scraper", &[TWO]).ok();
    assert_eq!(at.counts("map"), [1, 2, 0, 0]);
    at.write("source/main.go", &MAP_GO.replace("%d", "%03d"));
    assert_eq!(at.planned(&[]), [0, 0, 3, 0]);
    at.update(&[]).ok();
    assert_eq!(at.counts("map"), [3, 0, 0, 0]);
    assert_eq!(at.files("map")["dog"], "001\n003\n001\n");
    assert_eq!((at.jobs("map_build").len(), at.home.builds().len()), (2, 1));
    assert_eq!(at.left_behind(), Vec::<String>::new());
    // What was compiled before is kept, beside this pipeline's data and nobody else's, until it is deleted.
    let store = at.home.path().join("artifacts");
    let ours = format!("label=dev.headstart.store={}", store.display());
    let caches = || {
        docker(&["volume", "ls", "--quiet", "--filter", &ours])
            .lines()
            .count()
    };
    assert_eq!(caches(), 1);
    at.home.run(&["pipelines", "delete", "map", "--with-data"]).ok();
    assert_eq!(caches(), 0);
}

#[test]
fn a_builder_of_ones_own_and_a_command_of_ones_own_are_used() {
    let mut at = Pipelines::with(&["numbers"]);
    let build = "set -e\ncp /app/run.sh /pfs/out/\ntr a-z A-Z </pfs/source/greeting >/pfs/out/greeting\n";
    let run = r#"cd /pfs/numbers
for f in *; do
    text=$(cat "$f")
    while [ ${#text} -lt 4 ]; do text=${1:-0}$text; done
    printf %s "$text$(cat /pfs/build/greeting)" >"/pfs/out/$f"
done
"#;
    let builder = at.image(
        &[("build.sh", build), ("run.sh", run)],
        "WORKDIR /app\nCOPY build.sh run.sh ./\n",
    );
    at.put("numbers", &[("1.txt", "1"), ("11.txt", "11"), ("111.txt", "111")])
        .ok();
    at.write("code/greeting", "hi");
    let spec = |transform: Value| json!({ "pipeline": { "name": "pad" }, "transform": transform, "input": pfs("numbers", "/*") });
    at.spec(&[spec(json!({ "build": { "image": builder, "path": "code" } }))]);
    at.update(&[]).ok();
    let padded = [("1.txt", "0001HI"), ("11.txt", "0011HI"), ("111.txt", "0111HI")];
    assert_eq!(at.files("pad"), files(&padded));
    let spec = spec(
        json!({ "build": { "image": builder, "path": "code" }, "cmd": ["sh", "/pfs/build/run.sh", "_"] }),
    );
    at.spec(&[spec]);
    assert_eq!(at.planned(&[]), [0, 3, 0, 0], "a command is no input");
    assert_eq!(at.planned(&["--reprocess"]), [0, 0, 3, 0]);
    at.update(&["--reprocess"]).ok();
    let padded = [("1.txt", "___1HI"), ("11.txt", "__11HI"), ("111.txt", "_111HI")];
    assert_eq!(at.files("pad"), files(&padded));
    assert!(at.home.builds().is_empty(), "the builder's image is there");
    assert_eq!(at.left_behind(), Vec::<String>::new());
}

#[test]
fn what_reads_a_pipeline_follows_it() {
    let at = Pipelines::with(&["pages"]);
    at.put("pages", &[("a", "1\n"), ("b", "22\n")]).ok();
    at.spec(&[
        shell(
            "map",
            "for f in /pfs/pages/*; do wc -c <$f >/pfs/out/${f##*/}; done",
            pfs("pages", "/*"),
        ),
        shell(
            "sum",
            "cat /pfs/map/* >/pfs/out/all; ls /pfs/map | wc -l >/pfs/out/count",
            pfs("map", "/"),
        ),
    ]);
    at.update(&[]).ok();
    let of_sum = |all: &str, count: &str| files(&[("all", all), ("count", count)]);
    assert_eq!(at.files("sum"), of_sum("2\n3\n", "2\n"));
    at.put("pages", &[("c", "4444\n")]).ok();
    assert_eq!((at.counts("map"), at.counts("sum")), ([1, 2, 0, 0], [1, 0, 0, 0]));
    assert_eq!(at.files("sum"), of_sum("2\n3\n5\n", "3\n"));
    at.home.run(&["data", "remove", "pages", "/a"]).ok();
    assert_eq!((at.counts("map"), at.counts("sum")), ([0, 2, 0, 0], [1, 0, 0, 0]));
    assert_eq!(at.files("sum"), of_sum("3\n5\n", "2\n"));
    let reads: Vec<Value> = at
        .jobs("sum")
        .iter()
        .map(|job| job["inputs"][0]["commit"].clone())
        .collect();
    let wrote: Vec<Value> = at.jobs("map").iter().map(|job| job["output"].clone()).collect();
    assert_eq!(reads, wrote, "each job reads what the one before it wrote");
    let shown = at.home.json(&["pipelines", "list"]);
    let names: Vec<&str> = shown
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert_eq!(names, ["map", "sum"]);
    assert_eq!(at.left_behind(), Vec::<String>::new());
}

#[test]
fn a_failure_in_between_leaves_everything_as_it_was() {
    let mut at = Pipelines::with(&["scraper"]);
    let builder = at.image(
        &[
            ("build.sh", "cp run.sh /pfs/out/\n"),
            ("run.sh", "cp /pfs/scraper/* /pfs/out/\n"),
        ],
        "WORKDIR /app\nCOPY build.sh run.sh ./\n",
    );
    at.put("scraper", &[ONE]).ok();
    at.write("source/main.py", "first");
    let mut spec = map("python");
    spec["transform"]["build"] = json!({ "image": builder, "path": "./source" });
    at.spec(&[spec]);
    at.update(&[]).ok();
    let state = || {
        let jobs = at.home.json(&["jobs", "list"]);
        (
            at.home.json(&["data", "list"]),
            at.home.json(&["pipelines", "list"]),
            jobs,
            at.files("map_build@source"),
        )
    };
    let before = state();

    // A builder that cannot be built, and a second pipeline that would be fine.
    at.builder_from("python", "headstart-sample/there-is-none:1");
    at.write("source/main.py", "second");
    at.spec(&[shell("fine", "true", pfs("scraper", "/*")), map("python")]);
    let run = at.update(&[]);
    assert_ne!(run.code, 0, "{run:?}");
    let says = |text: &str| assert!(run.stderr.contains(text), "{}", run.stderr);
    says("an image that it begins with cannot be had");
    says("nothing was submitted");
    assert_eq!(state(), before);

    // A registry that is not there.
    at.write(
        "Dockerfile",
        "FROM headstart-sample/busybox:1\nCOPY spec.json /\n",
    );
    let mut spec = shell("map", "true", pfs("scraper", "/*"));
    spec["transform"]["image"] = json!(format!("127.0.0.1:1/{}:1", at_name()));
    at.spec(&[shell("fine", "true", pfs("scraper", "/*")), spec]);
    let run = at.update(&["--build"]);
    assert_ne!(run.code, 0, "{run:?}");
    assert!(run.stderr.contains("127.0.0.1:1"), "{}", run.stderr);
    assert!(run.stderr.contains("nothing was submitted"), "{}", run.stderr);
    assert_eq!(state(), before);
}

/// Returns a name for an image that is never pushed.
fn at_name() -> String {
    format!("headstart-test/{}", headstart_tests::unique("push"))
}

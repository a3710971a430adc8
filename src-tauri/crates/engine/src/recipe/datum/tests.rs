//! Specs as people write them.

use std::time::Duration;

use super::input::{Input, Leaf};
use super::spec::{Asked, Parallelism, Spec, read, read_for};
use crate::wire::{Problem, Severity};

fn good(text: &str) -> Spec {
    let (mut specs, problems) = read("p.yaml", text.as_bytes());
    let wrong: Vec<_> = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    specs.remove(0)
}

/// Returns the errors of a text, each as `line: message`.
fn errors(text: &str) -> Vec<String> {
    told(&read("p.yaml", text.as_bytes()).1, Severity::Error)
}

fn told(problems: &[Problem], severity: Severity) -> Vec<String> {
    let of = problems.iter().filter(|problem| problem.severity == severity);
    of.map(|problem| format!("{}: {}", problem.line.unwrap_or(0), problem.message))
        .collect()
}

const SMALL: &str = "pipeline: {name: p}\ntransform: {image: 'a:1'}\ninput: {pfs: {repo: in, glob: /*}}\n";

#[test]
fn a_spec_has_defaults_for_all_that_it_does_not_say() {
    let spec = good("pipeline: {name: p}\ntransform: {}\ninput: {pfs: {repo: in, glob: /*}}\n");
    assert_eq!(spec.transform.image, "ubuntu:16.04");
    assert_eq!((spec.output_branch.as_str(), spec.datum_tries), ("master", 3));
    assert_eq!((spec.cache_size.as_str(), spec.max_queue_size), ("64M", 1));
    assert_eq!(spec.parallelism.workers(5), 1);
    let input = spec.input.expect("an input");
    let Leaf::Pfs(pfs) = input.leaves()[0] else {
        panic!("it is files");
    };
    assert_eq!((pfs.name.as_str(), pfs.branch.as_str()), ("in", "master"));
    assert_eq!(pfs.place.line, 3);
}

#[test]
fn every_field_is_read() {
    let spec = good(
        r#"{
	"pipeline": {"name": "p"}, "description": "d", "datumTries": "5",
	"metadata": {"annotations": {"headstart.dev/network": "true"}, "labels": {"a": "b"}},
	"transform": {
		"image": "a:1", "cmd": ["sh"], "stdin": ["x", "y"], "err_cmd": ["true"], "err_stdin": ["z"],
		"env": {"A": "1"}, "secrets": [{"name": "s", "mount_path": "/s"}, {"name": "t", "env_var": "T", "key": "k"}],
		"image_pull_secrets": ["i"], "accept_return_code": [1, 2], "debug": true, "user": "u", "working_dir": "/w",
		"dockerfile": "D"
	},
	"parallelism_spec": {"coefficient": 1.5}, "output_branch": "o", "datum_timeout": "1m30s", "job_timeout": "1h",
	"resource_requests": {"memory": "1Ki"}, "resource_limits": {"cpu": 0.5, "gpu": {"type": "g", "number": 1}, "disk": "1G"},
	"reprocess_spec": "every_job", "chunk_spec": {"number": 2, "size_bytes": 3}, "cache_size": "1G", "max_queue_size": 4,
	"standby": true, "enable_stats": true, "salt": "x", "scheduling_spec": {"priority_class_name": "p"},
	"input": {"join": [
		{"pfs": {"name": "b", "repo": "r", "branch": "v", "commit": "c", "glob": "/(*)", "join_on": "$1", "outer_join": true, "lazy": true}},
		{"pfs": {"name": "a", "repo": "r", "glob": "/(*)", "group_by": "$1", "empty_files": true, "trigger": {"size": "1K", "commits": 2}}},
		{"cron": {"name": "c", "spec": "@hourly", "overwrite": true, "start": "2026-01-01T00:00:00Z"}}
	]}
}"#,
    );
    let [folder, variable] = &spec.transform.secrets[..] else {
        panic!("there are two secrets");
    };
    assert_eq!(
        (folder.name.as_str(), folder.mount_path.as_deref()),
        ("s", Some("/s"))
    );
    assert_eq!(
        (variable.env_var.as_deref(), variable.key.as_deref()),
        (Some("T"), Some("k"))
    );
    assert_eq!(spec.transform.accept_return_code, [1, 2]);
    assert_eq!(
        (spec.resource_requests.memory, spec.resource_limits.cpu),
        (Some(1024), Some(0.5))
    );
    assert_eq!(spec.resource_limits.gpu.as_ref().map(|gpu| gpu.number), Some(1));
    assert_eq!(
        (spec.chunk_spec.number, spec.chunk_spec.size_bytes),
        (Some(2), Some(3))
    );
    assert_eq!(spec.parallelism, Parallelism::Coefficient(1.5));
    assert_eq!(
        spec.datum_tries, 5,
        "both spellings and numbers in quotes are those of a cluster"
    );
    assert_eq!(spec.datum_timeout, Some(Duration::from_secs(90)));
    assert!(spec.network && spec.reprocess_every_job && spec.standby && spec.enable_stats);
    let input = spec.input.as_ref().expect("an input");
    let names: Vec<_> = input
        .sorted()
        .leaves()
        .iter()
        .map(|leaf| format!("{}/{}", leaf.repo(), leaf.branch()))
        .collect();
    assert_eq!(
        names,
        ["r/p-trigger-1", "r/v", "p_c/master"],
        "sorted by name: a, b, c"
    );
    assert_eq!(spec.json()["datumTries"], "5", "what was written stays as it was");
    assert_eq!(spec.json()["scheduling_spec"]["priority_class_name"], "p");
}

#[test]
fn network_becomes_an_annotation_for_clusters() {
    let spec = good(&SMALL.replace("'a:1'", "'a:1', network: true"));
    assert!(spec.network);
    let json = spec.json();
    assert_eq!(json["metadata"]["annotations"]["headstart.dev/network"], "true");
    assert!(
        json["transform"].get("network").is_none(),
        "a cluster knows no such field"
    );
}

#[test]
fn several_specs_have_their_own_lines() {
    let text = format!("# one\n{SMALL}---\n---\n{}", SMALL.replace("name: p", "name: q"));
    let (specs, problems) = read("p.yaml", text.as_bytes());
    assert!(problems.is_empty(), "{problems:?}");
    let found: Vec<_> = specs
        .iter()
        .map(|spec| (spec.name.as_str(), spec.place.line, spec.document))
        .collect();
    assert_eq!(found, [("p", 2, 0), ("q", 7, 1)]);
    let json = "{\"pipeline\": {\"name\": \"a\"}}\n\n{\n\"pipeline\": {}}";
    assert_eq!(
        errors(json),
        [
            "1: pipeline must specify a transform",
            "1: no input set",
            "3: pipeline must specify a transform",
            "3: no input set",
            "4: no pipeline `name` specified"
        ]
    );
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    let text = "pipeline: {name: p}\ntransform: {image: 'a:1'}\nservice: {}\negress: {URL: x}\ns3_out: false\nspout:\n\
                tf_job: {}\ninput:\n  cross:\n  - pfs: {repo: a, glob: /, s3: true}\n  - git: {URL: x}\n";
    assert_eq!(
        errors(text),
        [
            "3: services are not supported here",
            "4: egress is not supported here",
            "7: TensorFlow jobs are not supported here",
            "10: s3 inputs are not supported here",
            "11: git inputs are not supported here",
            "11: clone URL is missing .git suffix",
        ]
    );
}

#[test]
fn names_may_meet_in_unions_only() {
    let input = |text: &str| SMALL.replace("{pfs: {repo: in, glob: /*}}", text);
    let a = "{pfs: {repo: a, glob: /}}";
    assert!(errors(&input(&format!("{{union: [{a}, {a}]}}"))).is_empty());
    let odd = "{cross: [{pfs: {repo: a, glob: /, odd: 1}}, {pfs: {repo: a, glob: /}}]}";
    assert_eq!(errors(&input(odd)).len(), 1, "a warning hides no error");
    let twice = "3: name \"a\" was used more than once";
    assert_eq!(errors(&input(&format!("{{cross: [{a}, {a}]}}"))), [twice]);
    assert_eq!(
        errors(&input(&format!("{{cross: [{a}, {{union: [{a}, {a}]}}]}}"))),
        [twice, twice]
    );
    assert_eq!(
        errors(&input("{pfs: {repo: a, glob: /}, cross: [{}]}")),
        ["3: multiple input types set"]
    );
}

#[test]
fn a_name_that_leaves_its_folder_is_refused() {
    for name in ["..", "../x", "a/b", ".x"] {
        let text = SMALL.replace("repo: in", &format!("repo: in, name: '{name}'"));
        assert_eq!(errors(&text).len(), 1, "{name} would be a folder elsewhere");
    }
}

#[test]
fn build_steps_are_checked() {
    let with = |build: &str| SMALL.replace("image: 'a:1'", &format!("build: {build}"));
    assert!(errors(&with("{language: go}")).is_empty());
    assert_eq!(
        errors(&with("{path: .}")),
        ["2: must specify either a build `language` or `image`"]
    );
    let reserved = with("{language: go}").replace("repo: in", "repo: build");
    assert!(
        errors(&reserved)[0].contains("reserved for build assets"),
        "a repository's name counts too"
    );
    let long = with("{language: go}").replace("name: p", &format!("name: {}", "a".repeat(58)));
    assert!(errors(&long)[0].contains("at most 57"));
    let asked = Asked {
        location: "https://example.com/p.json",
        ..Asked::default()
    };
    let problems = read_for("p", with("{language: go}").as_bytes(), asked).1;
    assert_eq!(
        told(&problems, Severity::Error),
        ["2: cannot use build step-enabled pipelines that aren't local"]
    );
}

#[test]
fn tags_that_move_are_warned_of() {
    let warnings = |text: &str| told(&read("p", text.as_bytes()).1, Severity::Warning);
    assert_eq!(warnings(SMALL), [""; 0]);
    assert_eq!(
        warnings(&SMALL.replace("a:1", "localhost:5000/a")),
        ["2: the image `localhost:5000/a` has no tag, so it means `latest`"]
    );
    assert_eq!(
        warnings(&SMALL.replace("'a:1'", "a, build: {language: go}")),
        [""; 0]
    );
    assert_eq!(
        warnings(&SMALL.replace("transform", "parallelism: 1\ntransform")),
        ["2: unknown key `parallelism` in the spec"]
    );
}

#[test]
fn parallelism_is_constant_or_by_node() {
    assert_eq!(Parallelism::Coefficient(0.1).workers(3), 1);
    assert_eq!(Parallelism::Coefficient(2.0).workers(3), 6);
    assert_eq!(Parallelism::Coefficient(1e300).workers(3), u32::MAX);
    let both = format!("{SMALL}parallelism_spec: {{constant: 1, coefficient: 1.0}}\n");
    assert!(errors(&both)[0].starts_with("4: contradictory parallelism"));
}

#[test]
fn sorting_goes_through_every_level() {
    let text = "{cross: [{union: [{pfs: {repo: z, glob: /}}, {pfs: {repo: c, glob: /}}]}, {pfs: {repo: b, glob: /}}]}";
    let spec = good(&SMALL.replace("{pfs: {repo: in, glob: /*}}", text));
    let sorted = spec.input.expect("an input").sorted();
    let names: Vec<_> = sorted
        .leaves()
        .iter()
        .map(|leaf| leaf.name().to_owned())
        .collect();
    assert_eq!(names, ["b", "c", "z"]);
    assert!(matches!(sorted, Input::Cross(_)));
}

#[test]
fn files_that_are_no_specs_are_refused_with_a_line() {
    for bytes in [
        &b""[..],
        b"\xff",
        b"a\0",
        b"[",
        b"{",
        b"3",
        b"{}",
        b"- a",
        &[b' '; (1 << 20) + 1],
    ] {
        let (specs, problems) = read("p", bytes);
        assert!(specs.is_empty());
        let lines: Vec<_> = problems.iter().map(|problem| problem.line).collect();
        assert!(
            !lines.is_empty() && lines.iter().all(Option::is_some),
            "{problems:?}"
        );
    }
}

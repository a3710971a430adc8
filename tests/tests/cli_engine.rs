//! The Docker engine is not there, or goes away.

use headstart_tests::{Home, Repository};

#[test]
fn without_an_engine_plans_are_made_and_builds_are_refused() {
    let here = Home::new();
    let repo = Repository::with_task("echo built");
    here.add(&repo.path);
    let build = here.build(&[]);

    let nowhere = |arguments: &[&str]| {
        let mut command = here.command(arguments);
        command.env("DOCKER_HOST", "unix:///does/not/exist.sock");
        let output = command.output().unwrap();
        headstart_tests::Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    };
    let plan = nowhere(&["plan", "--json"]).ok().json();
    assert_eq!(plan["engine_checked"], false);
    assert_eq!(plan["build"], build["id"], "as far as is known");
    let error = nowhere(&["build", "--json"]).exits(3).error();
    assert_eq!(
        error["code"], "engine",
        "nothing is reused that nobody looked for: {error}"
    );
    repo.write("a", "1\n");
    repo.commit("second");
    let run = nowhere(&["build"]).exits(3);
    assert!(
        run.stderr.contains("cannot be reached") && run.stderr.contains("hint: start Docker"),
        "{}",
        run.stderr
    );
    assert_eq!(
        here.builds().len(),
        1,
        "a build that cannot begin leaves no record"
    );
    nowhere(&["engine"]).exits(3);
    nowhere(&["graph"]).ok();
    nowhere(&["builds", "list"]).ok();
    nowhere(&["runs", "list"]).exits(3);
    let status = here.json(&["engine"]);
    assert_eq!(status["reachable"], true);
}

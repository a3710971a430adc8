//! What the command of a datum cannot do, tried as root in its container.

use headstart_tests::datum::{Pipelines, files, id, pfs, shell};
use serde_json::json;

/// Submits a pipeline over one file that is expected to fail, and returns why its datum did.
fn refused(at: &Pipelines, name: &str, script: &str) -> String {
    let mut spec = shell(name, script, pfs("in", "/*"));
    spec["datum_tries"] = json!(1);
    at.spec(&[spec]);
    at.update(&[]).exits(1);
    let failed = at
        .home
        .json(&["jobs", "datums", &id(&at.job(name)), "--state", "failed"]);
    failed["datums"][0]["error"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn inputs_cannot_be_changed_and_there_is_no_network_and_no_engine() {
    let at = Pipelines::with(&["in"]);
    at.put("in", &[("a", "a\n")]).ok();
    let tries = "exec 2>&1 >/pfs/out/tried\n\
        try() { if sh -c \"$1\" 2>/dev/null; then echo \"could: $1\"; else echo no; fi; }\n\
        id -u\n\
        try 'echo x >/pfs/in/a'\ntry 'echo x >>$(readlink -f /pfs/in/a)'\ntry 'rm /pfs/in/a'\ntry 'touch /pfs/in/new'\n\
        try 'chmod 777 /pfs/in/a'\ntry 'mount -o remount,rw /headstart/in'\n\
        try 'test -e /var/run/docker.sock'\ntry 'test -e /run/docker.sock'\n\
        cat /pfs/in/a\n";
    let lone = "ls /sys/class/net >/pfs/out/net";
    let mut open = shell("open", lone, pfs("in", "/*"));
    open["transform"]["network"] = json!(true);
    at.spec(&[
        shell("tries", tries, pfs("in", "/*")),
        shell("lone", lone, pfs("in", "/*")),
        open,
    ]);
    at.update(&[]).ok();
    let nothing = format!("0\n{}a\n", "no\n".repeat(8));
    assert_eq!(at.files("tries"), files(&[("tried", &nothing)]));
    assert_eq!(at.files("lone")["net"].trim(), "lo");
    let net = at.files("open").remove("net").unwrap_or_default();
    assert!(net.contains("eth0"), "{net}");
    assert_eq!(at.files("in"), files(&[("a", "a\n")]));
}

#[test]
fn links_to_inputs_and_outputs_become_files() {
    let at = Pipelines::with(&["in"]);
    at.put("in", &[("d/a", "a\n"), ("d/sub/b", "b\n")]).ok();
    let script = "cd /pfs/out\nln -s /pfs/in/d/a one\nln -s /pfs/in/d folder\nmkdir -p deep/er\necho own >deep/er/own\n\
        ln -s deep/er/own short\nln -s ../../short deep/er/back\nln deep/er/own hard\n\
        ln -s deep again\nln -s again/er/back aback\n";
    at.spec(&[shell("links", script, pfs("in", "/*"))]);
    at.update(&[]).ok();
    let wanted = [
        ("one", "a\n"),
        ("folder/a", "a\n"),
        ("folder/sub/b", "b\n"),
        ("deep/er/own", "own\n"),
        ("short", "own\n"),
        ("deep/er/back", "own\n"),
        ("hard", "own\n"),
        ("again/er/own", "own\n"),
        ("again/er/back", "own\n"),
        ("aback", "own\n"),
    ];
    assert_eq!(at.files("links"), files(&wanted));
}

#[test]
fn outputs_that_lead_out_or_are_no_files_fail_their_datum_with_a_sentence() {
    let at = Pipelines::with(&["in"]);
    at.put("in", &[("a", "a\n")]).ok();
    for (name, script, says) in [
        (
            "absolute",
            "ln -s /etc/passwd /pfs/out/x",
            "the output /x is a link to /etc/passwd, which leads out of /pfs; copy the file instead",
        ),
        (
            "relative",
            "ln -s ../../etc/passwd /pfs/out/x",
            "the output /x is a link to ../../etc/passwd, which leads out of /pfs; copy the file instead",
        ),
        ("all-of-it", "ln -s .. /pfs/out/x", "leads out of /pfs"),
        (
            "dangling",
            "ln -s nothing /pfs/out/x",
            "the output /x is a link to nothing, which is not there",
        ),
        (
            "circle",
            "ln -s b /pfs/out/a; ln -s a /pfs/out/b",
            "the output /a is a link to b, which leads back to itself",
        ),
        (
            "pipe",
            "mkfifo /pfs/out/x",
            "the output /x is no file; pipes and devices cannot be kept",
        ),
        (
            "device",
            "mknod /pfs/out/x c 1 3",
            "the output /x is no file; pipes and devices cannot be kept",
        ),
    ] {
        let error = refused(&at, name, script);
        assert!(error.contains(says), "{name}: {error:?}");
        at.home.run(&["pipelines", "delete", name, "--with-data"]).ok();
    }
    assert_eq!(at.left_behind(), Vec::<String>::new());
}

#[test]
fn a_datum_begins_with_its_own_inputs_and_an_empty_output() {
    let at = Pipelines::with(&["in"]);
    at.put("in", &[("a", "aaa\n"), ("b", "bb\n"), ("c", "c\n")]).ok();
    // One after the other in one container: each leaves as much behind as it can.
    let script = "name=$(ls /pfs/in)\n{ ls /pfs; ls -A /pfs/out; } >/tmp/seen\ncp /tmp/seen /pfs/out/$name\n\
        mkdir /pfs/more /pfs/out/.empty\nln -s /pfs/out /pfs/also\necho x >/pfs/loose\n";
    at.spec(&[shell("own", script, pfs("in", "/*"))]);
    at.update(&[]).ok();
    let seen = "in\nout\n";
    assert_eq!(at.files("own"), files(&[("a", seen), ("b", seen), ("c", seen)]));
}

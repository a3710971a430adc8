//! What the real Docker engine says.

use std::collections::BTreeMap;
use std::process::Command;

/// Runs docker and returns what it printed; panics when it fails.
pub fn docker(arguments: &[&str]) -> String {
    try_docker(arguments).unwrap_or_else(|error| panic!("docker {arguments:?} failed: {error}"))
}

/// Runs docker and returns what it printed, or what it complained about.
pub fn try_docker(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("docker")
        .args(arguments)
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

/// Returns whether the Engine has an image.
pub fn has_image(reference: &str) -> bool {
    try_docker(&["image", "inspect", reference]).is_ok()
}

/// Removes all images whose name begins with `headstart/<folder>:`, and what runs of them.
pub fn remove_images(folder: &str) {
    let label = format!("label=dev.headstart.project={folder}");
    let running = try_docker(&["ps", "--all", "--quiet", "--filter", &label]).unwrap_or_default();
    for container in running.lines() {
        drop(try_docker(&["rm", "--force", container]));
    }
    let name = format!("headstart/{folder}");
    let listed = try_docker(&["images", "--format", "{{.Repository}}:{{.Tag}}", &name]).unwrap_or_default();
    let references: Vec<&str> = listed.lines().collect();
    if !references.is_empty() {
        let mut arguments = vec!["rmi", "--force"];
        arguments.extend(references);
        drop(try_docker(&arguments));
    }
}

/// Runs a script in a new container of an image and returns its output.
pub fn in_image(reference: &str, script: &str) -> String {
    docker(&["run", "--rm", "--network", "none", reference, "sh", "-c", script])
}

/// Files and links by path, each with its kind, mode and content (a digest, or where it leads).
pub type Listing = BTreeMap<Vec<u8>, String>;

/// Lists all files and links below a folder of an image; any name is taken.
pub fn listing(reference: &str, folder: &str) -> Listing {
    let script = "cd \"$1\" && find . ! -type d -exec sh -c 'for f; do
        if [ -L \"$f\" ]; then about=\"link $(readlink \"$f\")\"
        else about=\"$(stat -c %a \"$f\") $(sha256sum <\"$f\")\"; fi
        printf \"%s\\0%s\\0\" \"$f\" \"$about\"; done' sh {} +";
    let output = Command::new("docker")
        .args([
            "run",
            "--rm",
            "--network",
            "none",
            reference,
            "sh",
            "-c",
            script,
            "sh",
            folder,
        ])
        .output()
        .unwrap_or_else(|error| panic!("docker could not be started: {error}"));
    assert!(
        output.status.success(),
        "listing {folder} of {reference}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut parts = output.stdout.split(|byte| *byte == 0);
    let mut listing = Listing::new();
    while let (Some(path), Some(about)) = (parts.next().filter(|path| !path.is_empty()), parts.next()) {
        listing.insert(path.to_vec(), String::from_utf8_lossy(about).into_owned());
    }
    listing
}

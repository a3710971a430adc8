//! Builds a real repository at one commit, and again some commits later: full beside incremental.
//!
//! `cargo bench -p headstart-tests --bench repository -- REPOSITORY --commit NEWER [--apart 12] [--image IMAGE] [--init CMD] [--check CMD]`
//!
//! The commits are taken over into a repository of our own with a `.gitpod.yml` beside their files; the given
//! repository is only read.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use headstart_engine::wire::{Build, BuildRequest, BuildStatus, Decision};
use headstart_engine::{Config, Engine, builds, plan, project};

struct Options {
    repository: PathBuf,
    commit: String,
    apart: usize,
    image: String,
    init: String,
    check: String,
    rounds: usize,
}

fn options() -> Result<Option<Options>> {
    let mut options = Options {
        repository: PathBuf::new(),
        commit: "HEAD".into(),
        apart: 12,
        image: "headstart-sample/toolchain:1".into(),
        init: "make -j2".into(),
        check: "true".into(),
        rounds: 3,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .with_context(|| format!("{argument} needs a value"))
        };
        match argument.as_str() {
            "--commit" => options.commit = value()?,
            "--apart" => options.apart = value()?.parse()?,
            "--image" => options.image = value()?,
            "--init" => options.init = value()?,
            "--check" => options.check = value()?,
            "--rounds" => options.rounds = value()?.parse()?,
            "--bench" | "--test" => {}
            path => options.repository = path.into(),
        }
    }
    Ok((!options.repository.as_os_str().is_empty()).then_some(options))
}

fn main() -> Result<()> {
    let Some(options) = options()? else {
        eprintln!("repository: no repository given, nothing measured (see tests/bench/README.md)");
        return Ok(());
    };
    tokio::runtime::Runtime::new()?.block_on(measure(&options))
}

async fn measure(options: &Options) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let name = options
        .repository
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("repository");
    let ours = folder
        .path()
        .join(format!("bench-{}", name.trim_end_matches(".git")));
    let (older, newer, files) = take_over(options, &ours)?;
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let engine = Engine::open(Config {
        home: folder.path().join("home"),
        docker_host: variable("DOCKER_HOST"),
        docker_context: variable("DOCKER_CONTEXT"),
        docker_config: format!("{}/.docker", variable("HOME").unwrap_or_default()).into(),
    })?;
    let project = project::add(&engine, &ours)?;
    let at = |commit: &str| BuildRequest {
        commit: Some(commit.to_owned()),
        ..BuildRequest::head(project.id.clone())
    };
    let base = run(&engine, &at(&older)).await?;
    ensure!(base.decision == Decision::Full, "the first build is a full one");
    let found = plan::plan(&engine, &at(&newer)).await?;
    ensure!(
        found.decision == Decision::Incremental,
        "the newer commit starts from the older one: {}",
        found.reason
    );
    println!("| round | full | incremental | speed-up | same result |\n| --- | --- | --- | --- | --- |");
    let mut made = vec![base.id.clone()];
    for round in 1..=options.rounds {
        // Each round has a file of its own, so that no layer of an earlier one serves.
        let newer = with_round(&ours, &newer, round)?;
        let request = BuildRequest {
            base: Some(base.id.0.clone()),
            ..at(&newer)
        };
        let incremental = run(&engine, &request).await?;
        let full = run(
            &engine,
            &BuildRequest {
                no_cache: true,
                ..at(&newer)
            },
        )
        .await?;
        let same = behaves(&full, &options.check)? == behaves(&incremental, &options.check)?;
        let (slow, fast) = (
            full.duration_ms.unwrap_or(0),
            incremental.duration_ms.unwrap_or(0),
        );
        println!(
            "| {round} | {:.1} s | {:.1} s | {:.1} | {} |",
            slow as f64 / 1000.0,
            fast as f64 / 1000.0,
            slow as f64 / fast.max(1) as f64,
            if same { "yes" } else { "NO" }
        );
        // The next round has to build again, not to find these.
        builds::delete(&engine, &[incremental.id, full.id]).await?;
    }
    println!(
        "\n{} commits and {files} files apart ({} to {})",
        options.apart,
        &older[..10],
        &newer[..10]
    );
    made.dedup();
    builds::delete(&engine, &made).await?;
    Ok(())
}

/// Returns a commit like another one with one more file, which tells the rounds and the runs of this program apart.
fn with_round(repository: &Path, commit: &str, round: usize) -> Result<String> {
    let repo = git2::Repository::open(repository)?;
    let commit = repo.find_commit(commit.parse()?)?;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)?
        .as_nanos();
    let blob = repo.blob(format!("{round} {now}\n").as_bytes())?;
    let mut tree = repo.treebuilder(Some(&commit.tree()?))?;
    tree.insert(".headstart-round", blob, 0o100_644)?;
    let tree = repo.find_tree(tree.write()?)?;
    let parents: Vec<git2::Commit<'_>> = commit.parents().collect();
    let parents: Vec<&git2::Commit<'_>> = parents.iter().collect();
    Ok(repo
        .commit(
            None,
            &commit.author(),
            &commit.committer(),
            "a round",
            &tree,
            &parents,
        )?
        .to_string())
}

async fn run(engine: &Engine, request: &BuildRequest) -> Result<Build> {
    let id = builds::start(engine, request).await?;
    builds::watch(engine, &id, |_| true).await?;
    let build = builds::get(engine, &id)?;
    ensure!(
        build.status == BuildStatus::Succeeded,
        "the build failed: {}",
        build.error.unwrap_or_default()
    );
    Ok(build)
}

/// Returns what a command prints in a build's image.
fn behaves(build: &Build, check: &str) -> Result<String> {
    let image = build.images.first().context("an image")?;
    let output = Command::new("docker")
        .args(["run", "--rm", &image.reference, "sh", "-c", check])
        .output()?;
    ensure!(
        output.status.success(),
        "{check}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Takes the commits over, each with the config beside its files; returns the first and last, and how many files differ.
fn take_over(options: &Options, dest: &Path) -> Result<(String, String, usize)> {
    let repo = git2::Repository::init(dest)?;
    repo.odb()?.add_disk_alternate(
        &git2::Repository::open(&options.repository)?
            .commondir()
            .join("objects")
            .to_string_lossy(),
    )?;
    let theirs = git2::Repository::open(&options.repository)?;
    let mut commit = theirs.revparse_single(&options.commit)?.peel_to_commit()?;
    let mut line = vec![commit.id()];
    for _ in 0..options.apart {
        commit = commit.parent(0).context("the history is shorter than that")?;
        line.push(commit.id());
    }
    line.reverse();
    std::fs::write(
        dest.join(".git/objects/info/alternates"),
        format!(
            "{}\n",
            theirs.commondir().join("objects").canonicalize()?.display()
        ),
    )?;
    let repo = git2::Repository::open(dest)?;
    let config = format!(
        "image: {}\ntasks:\n- name: build\n  init: |\n    {}\n",
        options.image, options.init
    );
    std::fs::write(dest.join(".gitpod.yml"), &config)?;
    let blob = repo.blob(config.as_bytes())?;
    let mut taken: Vec<git2::Oid> = Vec::new();
    for id in &line {
        let commit = repo.find_commit(*id)?;
        let mut tree = repo.treebuilder(Some(&commit.tree()?))?;
        tree.insert(".gitpod.yml", blob, 0o100_644)?;
        let tree = repo.find_tree(tree.write()?)?;
        let parent = taken.last().map(|id| repo.find_commit(*id)).transpose()?;
        let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
        let message = commit
            .summary()
            .unwrap_or_default()
            .unwrap_or("a commit")
            .to_owned();
        taken.push(repo.commit(
            None,
            &commit.author(),
            &commit.committer(),
            &message,
            &tree,
            &parents,
        )?);
    }
    let (first, last) = (taken[0], *taken.last().context("a commit")?);
    repo.reference("refs/heads/main", last, true, "taken over")?;
    repo.set_head("refs/heads/main")?;
    let (old, new) = (repo.find_commit(first)?.tree()?, repo.find_commit(last)?.tree()?);
    let files = repo
        .diff_tree_to_tree(Some(&old), Some(&new), None)?
        .deltas()
        .len();
    Ok((first.to_string(), last.to_string(), files))
}

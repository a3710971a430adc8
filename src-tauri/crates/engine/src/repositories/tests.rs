use std::path::{Path, PathBuf};

use super::*;
use crate::engine::Config;
use crate::source::testing::git;
use crate::wire::RepositoryKind;

/// An engine, a bare repository that is the remote, and a checkout of it that is a project.
struct Place {
    dir: tempfile::TempDir,
    engine: Engine,
    project: ProjectId,
}

const RECIPE: &str = "image: debian:12\ntasks:\n  - init: make\n";

impl Place {
    /// Everything is committed and pushed.
    fn new() -> Self {
        let place = Self::without_remote("near");
        let far = place.far();
        git(
            place.dir.path(),
            &["init", "-q", "--bare", "-b", "main", far.to_str().unwrap()],
        );
        place.git(&["remote", "add", "origin", far.to_str().unwrap()]);
        place.git(&["push", "-q", "origin", "main"]);
        place
    }

    fn without_remote(root: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let near = dir.path().join("near");
        git(
            dir.path(),
            &["init", "-q", "--template=", "-b", "main", near.to_str().unwrap()],
        );
        let root = dir.path().join(root);
        std::fs::create_dir_all(&root).unwrap();
        std::fs::write(root.join(".gitpod.yml"), RECIPE).unwrap();
        let engine = Engine::open(Config {
            home: dir.path().join("home"),
            docker_host: Some("unix:///nowhere".into()),
            docker_context: None,
            docker_config: dir.path().join("docker"),
        })
        .unwrap();
        commit(&near, "first");
        let project = crate::project::add(&engine, &root).unwrap().id;
        Self { dir, engine, project }
    }

    fn far(&self) -> PathBuf {
        self.dir.path().join("far.git")
    }

    fn near(&self) -> PathBuf {
        self.dir.path().join("near")
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(&self.near(), arguments).trim().to_owned()
    }

    fn commit(&self, message: &str) -> String {
        commit(&self.near(), message)
    }

    fn write(&self, path: &str, text: &str) {
        std::fs::write(self.near().join(path), text).unwrap();
    }

    fn register(&self) -> CodeRepository {
        self.register_as("app", self.far().to_str().unwrap()).unwrap()
    }

    fn register_as(&self, name: &str, url: &str) -> Result<CodeRepository> {
        let one = CodeRepository {
            name: name.to_owned(),
            kind: RepositoryKind::Git,
            url: url.to_owned(),
        };
        save(&self.engine, one)
    }

    async fn state(&self) -> CheckoutState {
        state(&self.engine, &self.project, false).await.unwrap()
    }

    /// Somebody else pushes to the remote.
    fn colleague(&self, script: &[&[&str]]) {
        let there = self.dir.path().join("colleague");
        if !there.exists() {
            git(
                self.dir.path(),
                &[
                    "clone",
                    "-q",
                    self.far().to_str().unwrap(),
                    there.to_str().unwrap(),
                ],
            );
        }
        for line in script {
            match line {
                ["commit", message] => drop(commit(&there, message)),
                line => drop(git(&there, line)),
            }
        }
    }
}

fn commit(folder: &Path, message: &str) -> String {
    git(folder, &["add", "-A"]);
    let who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
    let words = ["commit", "-q", "--allow-empty", "-m", message];
    git(folder, &[&who[..], &words].concat());
    git(folder, &["rev-parse", "HEAD"]).trim().to_owned()
}

#[tokio::test]
async fn a_clean_checkout_whose_commit_is_pushed_is_usable() {
    let place = Place::new();
    let state = place.state().await;
    assert_eq!((state.repository, state.usable), (None, false));
    assert!(
        state.reason.contains("no code repository is registered"),
        "{}",
        state.reason
    );
    place.register();
    let state = place.state().await;
    assert_eq!(state.repository.as_deref(), Some("app"));
    assert!(state.usable && !state.unpushed, "{state:?}");
    assert_eq!(state.branch.as_deref(), Some("main"));
    assert_eq!(state.commit, Some(place.git(&["rev-parse", "HEAD"])));
    assert_eq!(
        state.folder,
        place.near().canonicalize().unwrap().to_str().unwrap()
    );
    place.write(".gitignore", "*.log\n");
    place.commit("ignore logs");
    place.git(&["push", "-q", "origin", "main"]);
    place.write("x.log", "ignored files do not count");
    assert!(place.state().await.usable);
}

#[tokio::test]
async fn each_obstacle_names_what_to_do() {
    let place = Place::new();
    place.register();
    place.write("new", "");
    let state = place.state().await;
    assert_eq!(
        (state.uncommitted, state.untracked, state.usable),
        (false, true, false)
    );
    assert!(state.reason.contains("git does not know"), "{}", state.reason);
    place.git(&["add", "new"]);
    let state = place.state().await;
    assert_eq!(
        (state.uncommitted, state.untracked, state.usable),
        (true, false, false)
    );
    assert!(state.reason.contains("commit them"), "{}", state.reason);
    place.commit("second");
    let state = place.state().await;
    assert!(state.unpushed && !state.uncommitted && !state.usable, "{state:?}");
    assert!(
        state.reason.ends_with("push the branch main, or fetch"),
        "{}",
        state.reason
    );
    place.git(&["push", "-q", "origin", "main"]);
    assert!(place.state().await.usable);
}

#[tokio::test]
async fn being_behind_another_branch_name_and_a_detached_head_are_fine() {
    let place = Place::new();
    place.register();
    place.colleague(&[&["commit", "theirs"], &["push", "-q", "origin", "HEAD"]]);
    place.git(&["fetch", "-q"]);
    assert!(place.state().await.usable, "behind");

    place.git(&["checkout", "-q", "-b", "mine"]);
    place.commit("mine");
    assert!(!place.state().await.usable);
    place.git(&["push", "-q", "origin", "mine:elsewhere"]);
    assert!(place.state().await.usable, "pushed as another branch");

    place.git(&["checkout", "-q", "--detach", "origin/main"]);
    let state = place.state().await;
    assert!(state.usable && state.branch.is_none(), "{state:?}");
    place.commit("detached");
    let state = place.state().await;
    assert!(state.unpushed, "{state:?}");
    assert!(
        state.reason.contains("push the commit to a branch"),
        "{}",
        state.reason
    );
}

#[tokio::test]
async fn asking_the_remote_changes_nothing_in_the_checkout() {
    let place = Place::new();
    place.register();
    let mine = place.commit("mine");
    // Somebody took the commit from here and pushed it: the checkout does not know.
    let near = place.near();
    place.colleague(&[
        &["fetch", "-q", near.to_str().unwrap(), "main"],
        &["push", "-q", "origin", "FETCH_HEAD:refs/heads/taken"],
    ]);
    let before = listing(&near.join(".git"));
    assert!(!place.state().await.usable);
    let asked = state(&place.engine, &place.project, true).await.unwrap();
    assert!(asked.usable, "{asked:?}");
    assert_eq!(asked.commit, Some(mine));
    assert!(place.state().await.usable, "what was learned is kept");
    assert_eq!(listing(&near.join(".git")), before);
    std::fs::remove_dir_all(place.far()).unwrap();
    let error = state(&place.engine, &place.project, true)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("the code repository app could not be fetched"),
        "{error}"
    );
    assert!(
        place.state().await.usable,
        "nobody asks the remote without a word"
    );
}

fn listing(folder: &Path) -> Vec<(PathBuf, u64, std::time::SystemTime)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let about = entry.metadata().unwrap();
            if about.is_dir() {
                folders.push(entry.path());
            } else {
                found.push((entry.path(), about.len(), about.modified().unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn old_knowledge_is_told() {
    let place = Place::new();
    place.register();
    place.git(&["fetch", "-q"]);
    place.commit("mine");
    let reason = place.state().await.reason;
    assert!(reason.contains("as last fetched just now: push"), "{reason}");
    let file = std::fs::File::options()
        .append(true)
        .open(place.near().join(".git/FETCH_HEAD"))
        .unwrap();
    file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(3 * 86_400 + 60))
        .unwrap();
    let reason = place.state().await.reason;
    assert!(reason.contains("as last fetched 3 days ago"), "{reason}");
    place.git(&["push", "-q", "origin", "main"]);
    let state = place.state().await;
    assert!(
        state.usable && state.reason.contains("3 days ago"),
        "{}",
        state.reason
    );
}

#[tokio::test]
async fn checkouts_without_commit_remote_or_work_tree_are_answered() {
    let place = Place::without_remote("near/services/api");
    place.register();
    let state = place.state().await;
    assert_eq!(state.subdirectory, "services/api");
    assert!(state.reason.contains("no remote"), "{}", state.reason);
    place.git(&["remote", "add", "origin", "https://me:hunter2@host/else"]);
    let state = place.state().await;
    assert!(state.repository.is_none() && !state.unpushed);
    assert!(
        state.reason.contains("register https://host/else") && !state.reason.contains("hunter2"),
        "{}",
        state.reason
    );
    let far = place.far();
    git(place.dir.path(), &["init", "-q", "--bare", far.to_str().unwrap()]);
    place.git(&["remote", "add", "far", "../far.git"]);
    let state = place.state().await;
    assert_eq!(state.repository.as_deref(), Some("app"), "a relative address");
    assert!(
        state.reason.contains("nothing has been fetched from far yet"),
        "{}",
        state.reason
    );
    // Without any commit.
    place.git(&["checkout", "-q", "--orphan", "empty"]);
    let state = place.state().await;
    assert_eq!((state.commit, state.usable), (None, false));
    assert!(
        state.reason.contains("the branch empty has no commit yet"),
        "{}",
        state.reason
    );

    let place = Place::new();
    place.register();
    let bare = place.dir.path().join("bare.git");
    git(
        place.dir.path(),
        &[
            "clone",
            "-q",
            "--mirror",
            place.far().to_str().unwrap(),
            bare.to_str().unwrap(),
        ],
    );
    let project = crate::project::add(&place.engine, &bare).unwrap().id;
    let state = state_of(&place, &project).await;
    assert!(state.usable && !state.uncommitted, "{state:?}");
}

async fn state_of(place: &Place, project: &ProjectId) -> CheckoutState {
    state(&place.engine, project, false).await.unwrap()
}

#[tokio::test]
async fn of_two_remotes_the_one_that_has_the_commit_counts() {
    let place = Place::new();
    let other = place.dir.path().join("other.git");
    git(
        place.dir.path(),
        &["init", "-q", "--bare", other.to_str().unwrap()],
    );
    place.git(&["remote", "add", "a-first", other.to_str().unwrap()]);
    place.register();
    place.register_as("fork", other.to_str().unwrap()).unwrap();
    assert_eq!(place.state().await.repository.as_deref(), Some("app"));
    place.commit("mine");
    let state = place.state().await;
    assert_eq!(
        state.repository.as_deref(),
        Some("fork"),
        "nobody has it: the first"
    );
    place.git(&["push", "-q", "a-first", "main"]);
    let state = place.state().await;
    assert_eq!((state.repository.as_deref(), state.usable), (Some("fork"), true));
}

#[tokio::test]
async fn changes_of_the_work_tree_matter_for_head_and_for_what_is_built_with_them() {
    let place = Place::new();
    place.register();
    let first = place.git(&["rev-parse", "HEAD"]).parse().unwrap();
    place.write("new", "");
    let opened = open(&place.engine, &place.project).unwrap();
    assert!(!checkout(&place.engine, &opened, first, false).unwrap().usable);
    let second = place.commit("second").parse().unwrap();
    place.write("new", "changed");
    let of = |commit, dirty| checkout(&place.engine, &opened, commit, dirty).unwrap();
    assert!(of(first, false).usable, "another commit than HEAD");
    assert!(!of(first, true).usable);
    assert!(!of(second, false).usable && of(second, false).unpushed);
    assert_eq!(of(second, false).branch.as_deref(), Some("main"));
}

#[tokio::test]
async fn a_commit_is_fetched_from_the_remote_once_and_never_from_the_work_tree() {
    let place = Place::new();
    let one = place.register();
    let first = place.git(&["rev-parse", "HEAD"]);
    let unpushed = place.commit("not pushed");
    let engine = &place.engine;
    let error = fetched(engine, &one, &unpushed).await.unwrap_err().to_string();
    assert!(
        error.contains(&unpushed) && error.contains("the code repository app"),
        "{error}"
    );
    let repo = fetched(engine, &one, &first).await.unwrap();
    assert!(repo.is_bare() && repo.git_dir().starts_with(engine.home().canonicalize().unwrap()));
    place.git(&["push", "-q", "origin", "main"]);
    fetched(engine, &one, &unpushed).await.unwrap();
    std::fs::remove_dir_all(place.far()).unwrap();
    fetched(engine, &one, &unpushed)
        .await
        .expect("what is there is not fetched again");
    let error = fetched(engine, &one, &"0".repeat(40))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("could not be fetched"), "{error}");
    assert!(
        fetched(engine, &one, "main").await.is_err(),
        "a name is no commit"
    );
    let left = std::fs::read_dir(engine.home().join("mirrors")).unwrap().count();
    assert_eq!(left, 1, "no partial clone is left");
}

#[tokio::test]
async fn two_that_fetch_at_once_both_get_the_commit() {
    let place = Place::new();
    let one = place.register();
    let first = place.git(&["rev-parse", "HEAD"]);
    let all = (0..4).map(|_| fetched(&place.engine, &one, &first));
    for result in futures_util::future::join_all(all).await {
        result.unwrap();
    }
}

#[test]
fn what_is_registered_is_checked() {
    let place = Place::new();
    place.register();
    for (name, url) in [
        ("", "https://host/a"),
        ("-a", "https://host/a"),
        ("Capital", "https://host/a"),
        (&"x".repeat(41), "https://host/a"),
        ("good", "https://me:pw@host/a"),
        ("good", "ext::sh -c x"),
    ] {
        assert!(place.register_as(name, url).is_err(), "{name:?} {url}");
    }
    let again = format!("file://{}", place.far().display());
    let error = place.register_as("twin", &again).unwrap_err().to_string();
    assert!(error.contains("registered as app already"), "{error}");
    place.register_as("app", &again).expect("the same one may change");
    assert_eq!(list(&place.engine).unwrap().len(), 1);
    let missing = remove(&place.engine, "other").unwrap_err();
    assert!(format!("{:?}", crate::wire::WireError::from(missing)).contains("there are: app"));
    remove(&place.engine, "app").unwrap();
    assert_eq!(list(&place.engine).unwrap(), []);
}

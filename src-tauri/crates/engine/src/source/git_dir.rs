//! A small real `.git` directory for tasks: one commit, shallow, with nothing of the user's configuration.

use std::fs;
use std::path::Path;

use git2::{ObjectType, Oid, Reference, Repository, RepositoryInitOptions};

use super::checkout::Partial;
use super::error::{Result, SourceError};
use super::id::{CommitId, TreeId};
use super::object::EntryKind;
use super::objects::Objects;
use super::refs::RefKind;
use super::repo::Repo;

/// Writes a `.git` directory to `dest`, which must not exist yet, in which HEAD is `commit` and nothing older exists.
///
/// `git rev-parse`, `status`, `diff`, `describe` and `log` work in it as in a clone of depth 1: HEAD is on `branch` when
/// one is given and detached otherwise, tags of the commit are there, the index matches the tree. It holds the whole
/// repository's tree even when the project is a subfolder. There are no remotes, hooks or settings of the user. The cost
/// is one pack of the tree, about as much again as the checkout.
pub fn write_git_dir(repo: &Repo, commit: CommitId, branch: Option<&str>, dest: &Path) -> Result<()> {
    let partial = Partial::beside(dest)?;
    let dir = partial.path();
    let write = |name: &str, text: &[u8]| {
        let path = dir.join(name);
        fs::write(&path, text).map_err(SourceError::io("write", &path))
    };
    for name in ["objects/pack", "objects/info", "refs/heads", "refs/tags"] {
        let path = dir.join(name);
        fs::create_dir_all(&path).map_err(SourceError::io("create", &path))?;
    }
    write("shallow", format!("{commit}\n").as_bytes())?;
    write(
        "config",
        b"[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n[gc]\n\tauto = 0\n",
    )?;

    let mut packed_refs = String::from("# pack-refs with: peeled fully-peeled sorted \n");
    let branch = branch
        .map(|name| format!("refs/heads/{name}"))
        .filter(|name| is_safe_ref(name));
    match &branch {
        Some(name) => {
            packed_refs.push_str(&format!("{commit} {name}\n"));
            write("HEAD", format!("ref: {name}\n").as_bytes())?;
        }
        None => write("HEAD", format!("{commit}\n").as_bytes())?,
    }
    let tags = tags_of(repo, commit)?;
    for (name, target) in &tags {
        packed_refs.push_str(&format!("{target} {name}\n"));
        if *target != commit.0 {
            packed_refs.push_str(&format!("^{commit}\n"));
        }
    }
    write("packed-refs", packed_refs.as_bytes())?;

    let git = repo.git()?;
    let listed = objects_of(&git.objects()?, commit, tags.iter().map(|(_, target)| *target))?;
    write_pack(repo, &listed, &dir.join("objects/pack"), &dir.join(".scratch"))?;

    let tree = git.find_commit(commit.0).and_then(|commit| commit.tree());
    let index = tree.and_then(|tree| {
        let mut index = git2::Index::open(&dir.join("index"))?;
        index.read_tree(&tree)?;
        index.write()
    });
    index.map_err(SourceError::git("write an index"))?;
    partial.publish(dest)
}

/// Returns the tags that lead to a commit, with what each ref holds: the commit, or a tag object.
fn tags_of(repo: &Repo, commit: CommitId) -> Result<Vec<(String, Oid)>> {
    let git = repo.git()?;
    let labels = repo.refs()?;
    let names = labels
        .iter()
        .filter(|label| label.kind == RefKind::Tag && label.commit == commit);
    let mut tags = Vec::new();
    for label in names {
        // A name that is not UTF-8 was changed by reading it and is not found again; such a tag is left out.
        let name = format!("refs/tags/{}", label.name);
        if let Ok(target) = git.refname_to_id(&name)
            && is_safe_ref(&name)
        {
            tags.push((name, target));
        }
    }
    Ok(tags)
}

fn is_safe_ref(name: &str) -> bool {
    Reference::is_valid_name(name) && name.len() < 1024
}

/// Lists the objects of exactly one commit and of the tags that lead to it; submodule commits are not among them.
fn objects_of(objects: &Objects<'_>, commit: CommitId, tags: impl Iterator<Item = Oid>) -> Result<Vec<Oid>> {
    let mut listed = vec![commit.0];
    let mut seen = std::collections::HashSet::from([commit.0]);
    for mut tag in tags {
        // Tags of tags are followed as far as `refs` follows them.
        while seen.insert(tag) {
            listed.push(tag);
            let object = objects.read(tag, ObjectType::Tag)?;
            let hex = object.get(7..47).and_then(|hex| std::str::from_utf8(hex).ok());
            match hex.and_then(|hex| Oid::from_str(hex).ok()) {
                Some(next) => tag = next,
                None => break,
            }
        }
    }
    let mut trees = vec![objects.commit(commit, |raw| raw.tree)?];
    while let Some(tree) = trees.pop() {
        if !seen.insert(tree) {
            continue;
        }
        listed.push(tree);
        for entry in objects.tree(TreeId(tree))? {
            match entry.kind {
                EntryKind::Directory => trees.push(entry.id),
                EntryKind::Gitlink => {}
                _ if seen.insert(entry.id) => {
                    objects.check(entry.id)?;
                    listed.push(entry.id);
                }
                _ => {}
            }
        }
    }
    Ok(listed)
}

/// Writes the objects as one pack with its index, without looking for deltas.
fn write_pack(repo: &Repo, objects: &[Oid], dest: &Path, scratch: &Path) -> Result<()> {
    let pack = || -> std::result::Result<(), git2::Error> {
        // The builder takes its settings from its repository; this one exists for them and reads the user's objects.
        let mut options = RepositoryInitOptions::new();
        let settings = Repository::init_opts(scratch, options.bare(true).external_template(false))?;
        let mut config = settings.config()?.open_level(git2::ConfigLevel::Local)?;
        // libgit2 1.9 reads the size above which it does not search for deltas from this key. A pack that lives for one
        // build is not worth the search, which takes longer than all the rest.
        config.set_i64("pack.deltaCacheSize", 1)?;
        config.set_i64("core.bigFileThreshold", 1)?;
        settings.set_odb(
            &repo
                .git()
                .map_err(|error| git2::Error::from_str(&error.to_string()))?
                .odb()?,
        )?;
        let mut builder = settings.packbuilder()?;
        for id in objects {
            builder.insert_object(*id, None)?;
        }
        builder.write(dest, 0o644)
    };
    let packed = pack().map_err(SourceError::git("pack the commit"));
    let removed = fs::remove_dir_all(scratch).map_err(SourceError::io("remove", scratch));
    packed.and(removed)
}

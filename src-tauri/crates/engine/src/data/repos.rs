//! Repositories, branches and commits, in the database. Functions take a connection, so that they can be part of a
//! transaction of their caller's.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::chunks;
use super::digest::{Digest, Root};
use super::tree::Page;
use crate::clock::now_ms;
use crate::engine::random_hex;
use crate::error::{Error, Result};
use crate::wire::{DataBranch, DataCommit, DataRepo};

/// Branch that is used where none is named.
pub(crate) const MASTER: &str = "master";

/// Fewest digits that a commit can be named by.
const PREFIX: usize = 6;

const COMMIT: &str = "id, repo, branch, parent, message, job, files, bytes, created_at";

/// Refuses what cannot be the name of a repository or branch.
pub(crate) fn check_name(what: &str, name: &str) -> Result<()> {
    let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    if first && name.chars().all(usable) && name.len() <= 63 {
        return Ok(());
    }
    let shown: String = name.chars().take(100).collect();
    Err(Error::refused(
        format!("{shown:?} cannot be the name of a {what}"),
        "use letters, digits, _ and -, beginning with a letter or digit, 63 at most",
    ))
}

/// Makes a repository with an empty branch `master`. `pipeline` is the one that writes it, or whose code it holds.
pub(crate) fn create_repo_in(
    tx: &Connection,
    name: &str,
    description: &str,
    pipeline: Option<&str>,
) -> Result<()> {
    check_name("data repository", name)?;
    let sql = "INSERT INTO repos(name, description, pipeline, created_at) VALUES(?1, ?2, ?3, ?4)
               ON CONFLICT DO NOTHING";
    if tx.execute(sql, params![name, description, pipeline, now_ms()])? == 0 {
        return Err(Error::refused(
            format!("there is a data repository {name} already"),
            "choose another name, or use that one",
        ));
    }
    create_branch_in(tx, name, MASTER, None).map(drop)
}

/// Makes a repository when it is missing, and one that a pipeline writes of one that is there.
pub(crate) fn ensure_repo_in(
    tx: &Connection,
    name: &str,
    description: &str,
    pipeline: Option<&str>,
) -> Result<()> {
    let is_there = tx
        .prepare_cached("SELECT 1 FROM repos WHERE name = ?1")?
        .exists([name])?;
    match is_there {
        true => set_pipeline_in(tx, name, pipeline),
        false => create_repo_in(tx, name, description, pipeline),
    }
}

/// Makes a repository one that a pipeline writes, or one of the users' again.
pub(crate) fn set_pipeline_in(tx: &Connection, name: &str, pipeline: Option<&str>) -> Result<()> {
    tx.execute(
        "UPDATE repos SET pipeline = ?2 WHERE name = ?1",
        params![name, pipeline],
    )?;
    Ok(())
}

/// Notes which branches a pipeline reads, in place of what was noted before: pairs of repository and branch.
pub(crate) fn set_readers_in(tx: &Connection, pipeline: &str, branches: &[(&str, &str)]) -> Result<()> {
    tx.execute("DELETE FROM readers WHERE pipeline = ?1", [pipeline])?;
    for (repo, branch) in branches {
        let sql = "INSERT INTO readers(pipeline, repo, branch) VALUES(?1, ?2, ?3) ON CONFLICT DO NOTHING";
        tx.execute(sql, params![pipeline, repo, branch])?;
    }
    Ok(())
}

/// Returns the pipelines that read a branch, or any branch of a repository without one, by name.
pub(crate) fn readers_of(db: &Connection, repo: &str, branch: Option<&str>) -> Result<Vec<String>> {
    let sql =
        "SELECT DISTINCT pipeline FROM readers WHERE repo = ?1 AND (?2 IS NULL OR branch = ?2) ORDER BY 1";
    let mut statement = db.prepare_cached(sql)?;
    let names = statement.query_map(params![repo, branch], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

/// Lists the repositories, by name.
pub(super) fn repos(db: &Connection) -> Result<Vec<DataRepo>> {
    let mut statement = db.prepare_cached("SELECT name FROM repos ORDER BY name")?;
    let names = statement.query_map([], |row| row.get(0))?;
    let names = names.collect::<rusqlite::Result<Vec<String>>>()?;
    names.iter().map(|name| repo(db, name)).collect()
}

/// Returns a repository with its branches.
pub(crate) fn repo(db: &Connection, name: &str) -> Result<DataRepo> {
    let sql = "SELECT name, description, pipeline, created_at FROM repos WHERE name = ?1";
    let found = db.prepare_cached(sql)?.query_row([name], |row| {
        Ok(DataRepo {
            name: row.get(0)?,
            description: row.get(1)?,
            pipeline: row.get(2)?,
            branches: Vec::new(),
            created_at: row.get(3)?,
        })
    });
    let mut repo = found.optional()?.ok_or_else(|| no_repo(name))?;
    let mut statement = db.prepare_cached("SELECT name, head FROM branches WHERE repo = ?1 ORDER BY name")?;
    let branches = statement.query_map([name], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (name, head) in branches.collect::<rusqlite::Result<Vec<(String, Option<String>)>>>()? {
        let head = head.map(|id| commit(db, &id)).transpose()?;
        repo.branches.push(DataBranch { name, head });
    }
    Ok(repo)
}

/// Returns the newest commit of a branch; none when there is no such branch, or nothing on it.
pub(crate) fn head(db: &Connection, repo: &str, branch: &str) -> Result<Option<DataCommit>> {
    let sql = "SELECT head FROM branches WHERE repo = ?1 AND name = ?2";
    let mut statement = db.prepare_cached(sql)?;
    let id: Option<Option<String>> = statement.query_row([repo, branch], |row| row.get(0)).optional()?;
    id.flatten().map(|id| commit(db, &id)).transpose()
}

/// Returns the commit of an id.
pub(crate) fn commit(db: &Connection, id: &str) -> Result<DataCommit> {
    let mut statement = db.prepare_cached(&format!("SELECT {COMMIT} FROM commits WHERE id = ?1"))?;
    let found = statement.query_row([id], read_commit).optional()?;
    found.ok_or_else(|| no_commit(id))
}

/// Returns the files of a commit.
pub(crate) fn commit_root(db: &Connection, id: &str) -> Result<Root> {
    let mut statement = db.prepare_cached("SELECT root FROM commits WHERE id = ?1")?;
    let found = statement.query_row([id], |row| row.get(0)).optional()?;
    found.ok_or_else(|| no_commit(id))
}

/// Makes a commit on top of a branch, which is made when it is missing. The tree has to be written.
pub(crate) fn commit_in(
    tx: &Connection,
    repo: &str,
    branch: &str,
    root: Root,
    message: &str,
    job: Option<&str>,
) -> Result<DataCommit> {
    let is_there = tx
        .prepare_cached("SELECT 1 FROM repos WHERE name = ?1")?
        .exists([repo])?;
    if !is_there {
        return Err(no_repo(repo));
    }
    let parent = create_branch_in(tx, repo, branch, None)?;
    let page = chunks::inline(tx, root.0)?.flatten();
    let unwritten = || {
        Error::internal(
            format!("the files of a commit to {repo} are missing"),
            "nothing was written",
        )
    };
    let (files, bytes) = Page::decode(&page.ok_or_else(unwritten)?)?.sums();
    let id = random_hex(32)?;
    let sql = "INSERT INTO commits(id, repo, branch, parent, message, job, root, files, bytes, created_at)
               VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let at = now_ms();
    tx.execute(
        sql,
        params![id, repo, branch, parent, message, job, root, files, bytes, at],
    )?;
    set_head_in(tx, repo, branch, Some(&id))?;
    commit(tx, &id)
}

/// Makes a branch when it is missing; one that is there stays. Returns the id of its head.
pub(super) fn create_branch_in(
    tx: &Connection,
    repo: &str,
    branch: &str,
    head: Option<&str>,
) -> Result<Option<String>> {
    check_name("branch", branch)?;
    let sql = "INSERT INTO branches(repo, name, head) VALUES(?1, ?2, ?3) ON CONFLICT DO NOTHING";
    tx.execute(sql, params![repo, branch, head])?;
    let sql = "SELECT head FROM branches WHERE repo = ?1 AND name = ?2";
    Ok(tx.query_row(sql, [repo, branch], |row| row.get(0))?)
}

/// Makes a branch, which is made when it is missing, end at a commit of its repository.
pub(crate) fn move_branch_in(tx: &Connection, repo: &str, branch: &str, commit: &str) -> Result<()> {
    create_branch_in(tx, repo, branch, None)?;
    set_head_in(tx, repo, branch, Some(commit))
}

/// Makes a branch end at a commit of its repository, or be empty.
pub(crate) fn set_head_in(tx: &Connection, repo: &str, branch: &str, head: Option<&str>) -> Result<()> {
    let sql = "UPDATE branches SET head = ?3 WHERE repo = ?1 AND name = ?2";
    tx.execute(sql, params![repo, branch, head])?;
    Ok(())
}

/// Lists commits from one on, newest first.
pub(super) fn history(db: &Connection, head: &str, offset: u32, limit: u32) -> Result<Vec<DataCommit>> {
    let sql = format!(
        "WITH RECURSIVE line(at, place) AS (
             SELECT ?1, 0
             UNION ALL
             SELECT c.parent, place + 1 FROM line JOIN commits c ON c.id = line.at
             WHERE c.parent IS NOT NULL AND place + 1 < ?2 + ?3
         )
         SELECT {COMMIT} FROM line JOIN commits ON id = at WHERE place >= ?2 ORDER BY place LIMIT ?3"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let commits = statement.query_map(params![head, offset, limit], read_commit)?;
    Ok(commits.collect::<rusqlite::Result<_>>()?)
}

/// Finds a commit by its id, the beginning of it, or `repo@branch`.
pub(crate) fn find(db: &Connection, revision: &str) -> Result<DataCommit> {
    if let Some((repo_name, branch)) = revision.split_once('@') {
        let found = repo(db, repo_name)?;
        let Some(found) = found.branches.into_iter().find(|one| one.name == branch) else {
            return Err(no_branch(repo_name, branch));
        };
        return found.head.ok_or_else(|| {
            Error::refused(
                format!("branch {branch} of {repo_name} is empty"),
                format!("put files in it: headstart data put {repo_name}@{branch} PATH"),
            )
        });
    }
    let digits = revision
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !digits || !(PREFIX..=32).contains(&revision.len()) {
        return Err(Error::refused(
            format!(
                "{:?} names no commit",
                revision.chars().take(100).collect::<String>()
            ),
            "give a commit's id, at least 6 digits of it, or repository@branch",
        ));
    }
    let sql = format!("SELECT {COMMIT} FROM commits WHERE id >= ?1 AND id < ?1 || 'g' LIMIT 2");
    let mut statement = db.prepare_cached(&sql)?;
    let found = statement.query_map([revision], read_commit)?;
    let mut found = found.collect::<rusqlite::Result<Vec<_>>>()?;
    match (found.pop(), found.pop()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(no_commit(revision)),
        (Some(_), Some(_)) => Err(Error::refused(
            format!("{revision} is the beginning of several commits' ids"),
            "give more digits of the id",
        )),
    }
}

/// Notes that something stopped being used: writers that began before may still build on it. For `datums.output`
/// and roots of commits, in the transaction that takes the reference away.
pub(crate) fn drop_in(tx: &Connection, digest: Digest) -> Result<()> {
    tx.execute("UPDATE generations SET now = now + 1", [])?;
    tx.execute("INSERT INTO dropped SELECT ?1, now FROM generations", [digest])?;
    Ok(())
}

/// Deletes a repository with its commits.
pub(super) fn delete_repo_in(tx: &Connection, name: &str) -> Result<()> {
    tx.execute("UPDATE generations SET now = now + 1", [])?;
    let sql = "INSERT INTO dropped SELECT root, now FROM commits, generations WHERE repo = ?1";
    tx.execute(sql, [name])?;
    tx.execute("DELETE FROM branches WHERE repo = ?1", [name])?;
    tx.execute("DELETE FROM repos WHERE name = ?1", [name])?;
    Ok(())
}

/// Deletes a branch. Returns whether there was one.
pub(super) fn delete_branch_in(tx: &Connection, repo: &str, branch: &str) -> Result<bool> {
    let sql = "DELETE FROM branches WHERE repo = ?1 AND name = ?2";
    Ok(tx.execute(sql, [repo, branch])? == 1)
}

/// Deletes commits that no branch reaches. Returns how many.
pub(super) fn delete_unreachable_in(tx: &Connection) -> Result<usize> {
    tx.execute("UPDATE generations SET now = now + 1", [])?;
    let sql =
        "INSERT INTO dropped SELECT root, now FROM commits, generations WHERE commits.id IN unreachable";
    tx.execute(&sql.replace("unreachable", UNREACHABLE), [])?;
    let sql = "DELETE FROM commits WHERE id IN unreachable";
    Ok(tx.execute(&sql.replace("unreachable", UNREACHABLE), [])?)
}

/// Returns the roots of commits that branches reach.
pub(super) fn roots(db: &Connection) -> Result<Vec<Digest>> {
    let sql = format!("SELECT DISTINCT root FROM commits WHERE id NOT IN {UNREACHABLE}");
    let mut statement = db.prepare(&sql)?;
    let roots = statement.query_map([], |row| row.get(0))?;
    Ok(roots.collect::<rusqlite::Result<_>>()?)
}

const UNREACHABLE: &str = "(
    WITH RECURSIVE reached(id) AS (
        SELECT head FROM branches WHERE head IS NOT NULL
        UNION
        SELECT c.parent FROM reached JOIN commits c ON c.id = reached.id WHERE c.parent IS NOT NULL
    )
    SELECT id FROM commits WHERE id NOT IN (SELECT id FROM reached))";

fn read_commit(row: &Row<'_>) -> rusqlite::Result<DataCommit> {
    Ok(DataCommit {
        id: row.get(0)?,
        repo: row.get(1)?,
        branch: row.get(2)?,
        parent: row.get(3)?,
        message: row.get(4)?,
        job: row.get(5)?,
        files: row.get(6)?,
        bytes: row.get(7)?,
        created_at: row.get(8)?,
    })
}

fn no_repo(name: &str) -> Error {
    let shown: String = name.chars().take(100).collect();
    Error::refused(
        format!("there is no data repository {shown}"),
        "list them: headstart data list; or make it: headstart data create NAME",
    )
}

pub(super) fn no_branch(repo: &str, branch: &str) -> Error {
    let shown: String = branch.chars().take(100).collect();
    Error::refused(
        format!("{repo} has no branch {shown}"),
        format!("see its branches: headstart data branch {repo}"),
    )
}

fn no_commit(id: &str) -> Error {
    Error::refused(
        format!("there is no commit {id} in the data repositories of this stack"),
        "it may have been deleted, or belong to another stack; list commits: headstart data log REPO",
    )
}

//! The schema. Migrations are appended, never edited.

use rusqlite_migration::{M, Migrations};

const STEPS: &[M<'static>] = &[M::up(
    "
CREATE TABLE projects (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    root        TEXT NOT NULL UNIQUE,
    recipe      TEXT NOT NULL,
    dialect     TEXT NOT NULL,
    added_at    INTEGER NOT NULL,
    removed_at  INTEGER
) STRICT;

CREATE TABLE builds (
    id              TEXT PRIMARY KEY,
    project_id      TEXT NOT NULL REFERENCES projects(id),
    recipe          TEXT NOT NULL,
    stack           TEXT NOT NULL,
    platform        TEXT NOT NULL,
    commit_id       TEXT NOT NULL,
    summary         TEXT NOT NULL,
    branch          TEXT,
    dirty           INTEGER NOT NULL,
    status          TEXT NOT NULL,
    decision        TEXT NOT NULL,
    reason          TEXT NOT NULL,
    base_id         TEXT,
    base_commit     TEXT,
    base_distance   INTEGER,
    changed_files   INTEGER,
    chain           INTEGER NOT NULL,
    environment_key TEXT NOT NULL,
    environment     TEXT NOT NULL,
    code_key        TEXT NOT NULL,
    layers          INTEGER,
    image_bytes     INTEGER,
    created_at      INTEGER NOT NULL,
    started_at      INTEGER,
    ended_at        INTEGER,
    load_ms         INTEGER,
    expected_ms     INTEGER,
    saved_ms        INTEGER,
    contains_code   INTEGER NOT NULL,
    pinned          INTEGER NOT NULL DEFAULT 0,
    reused          INTEGER NOT NULL DEFAULT 0,
    error           TEXT,
    failed_step     TEXT,
    failed_number   INTEGER,
    warnings        TEXT NOT NULL,
    broke_on        TEXT,
    owner           TEXT NOT NULL,
    process_group   INTEGER,
    cancel_at       INTEGER
) STRICT;

-- Candidates of a plan: by commit for bases, by keys for exact reuse.
CREATE INDEX builds_by_commit ON builds(project_id, commit_id);
CREATE INDEX builds_by_key ON builds(project_id, environment_key, code_key) WHERE status = 'succeeded';
-- Estimates: the newest timings of a kind.
CREATE INDEX builds_by_kind ON builds(project_id, environment_key, decision, created_at) WHERE status = 'succeeded';
CREATE INDEX builds_by_decision ON builds(project_id, decision, created_at) WHERE status = 'succeeded';
-- The catalogue's lists.
CREATE INDEX builds_by_time ON builds(created_at);
CREATE INDEX builds_by_project ON builds(project_id, created_at);
CREATE INDEX builds_by_base ON builds(base_id) WHERE base_id IS NOT NULL;
-- One build per key at a time, whichever process asks.
CREATE UNIQUE INDEX builds_active ON builds(project_id, environment_key, code_key, stack)
    WHERE status IN ('queued', 'running');
CREATE INDEX builds_unfinished ON builds(status, created_at) WHERE status IN ('queued', 'running');

CREATE TABLE images (
    build_id   TEXT NOT NULL REFERENCES builds(id) ON DELETE CASCADE,
    target     TEXT NOT NULL,
    reference  TEXT NOT NULL,
    digest     TEXT NOT NULL,
    bytes      INTEGER,
    PRIMARY KEY (build_id, target)
) STRICT, WITHOUT ROWID;

CREATE TABLE steps (
    build_id     TEXT NOT NULL REFERENCES builds(id) ON DELETE CASCADE,
    number       INTEGER NOT NULL,
    parent       INTEGER,
    name         TEXT NOT NULL,
    cached       INTEGER NOT NULL,
    started_at   INTEGER,
    ended_at     INTEGER,
    status       TEXT NOT NULL,
    phase        TEXT NOT NULL,
    exit_code    INTEGER,
    error        TEXT,
    current      INTEGER,
    total        INTEGER,
    revision     INTEGER NOT NULL,
    PRIMARY KEY (build_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE notices (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    build_id    TEXT NOT NULL REFERENCES builds(id) ON DELETE CASCADE,
    project_id  TEXT NOT NULL,
    kind        TEXT NOT NULL,
    title       TEXT NOT NULL,
    body        TEXT NOT NULL,
    at          INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    read        INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX notices_by_build ON notices(build_id);

-- The digest last seen behind an image reference, so that a plan without Docker has the same keys.
CREATE TABLE seen_images (
    reference  TEXT NOT NULL,
    platform   TEXT NOT NULL,
    digest     TEXT NOT NULL,
    previous   TEXT,
    seen_at    INTEGER NOT NULL,
    PRIMARY KEY (reference, platform)
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    key    TEXT PRIMARY KEY,
    value  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
",
), M::up(
    "-- The additional repositories a build was made with, as JSON.
ALTER TABLE builds ADD COLUMN sources TEXT;",
), M::up(
    "-- The newest few of a commit or key are asked for. Without the time in these indexes SQLite reads all builds of the
-- project in order of time instead, which takes seconds in a large catalogue.
DROP INDEX builds_by_commit;
CREATE INDEX builds_by_commit ON builds(project_id, commit_id, created_at);
DROP INDEX builds_by_key;
CREATE INDEX builds_by_key ON builds(project_id, environment_key, code_key, created_at) WHERE status = 'succeeded';",
), M::up("CREATE INDEX builds_interrupted ON builds(ended_at) WHERE status = 'interrupted';"), M::up(
    "CREATE TABLE stacks (
    name  TEXT PRIMARY KEY,
    spec  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
ALTER TABLE projects ADD COLUMN stack TEXT;

-- The targets of builds with several, each with keys of its own.
CREATE TABLE targets (
    build_id        TEXT NOT NULL REFERENCES builds(id) ON DELETE CASCADE,
    name            TEXT NOT NULL,
    project_id      TEXT NOT NULL,
    environment_key TEXT NOT NULL,
    environment     TEXT NOT NULL,
    code_key        TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (build_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX targets_by_key ON targets(project_id, environment_key, code_key, created_at);
CREATE INDEX targets_by_name ON targets(project_id, name, created_at);
CREATE INDEX images_by_reference ON images(reference);",
), M::up(
    "ALTER TABLE builds ADD COLUMN pipeline TEXT;
ALTER TABLE builds ADD COLUMN producer TEXT;
-- A pipeline's image serves whichever project or pipeline made it.
CREATE INDEX targets_by_keys ON targets(environment_key, code_key, created_at);

CREATE TABLE code_repositories (
    name  TEXT PRIMARY KEY,
    kind  TEXT NOT NULL,
    url   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A row per run of a pipeline; `record` is the whole of it as JSON, the other columns are what lists ask for.
CREATE TABLE runs (
    id          TEXT PRIMARY KEY,
    project_id  TEXT NOT NULL,
    pipeline    TEXT NOT NULL,
    build_id    TEXT,
    stack       TEXT NOT NULL,
    status      TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    owner       TEXT NOT NULL,
    cancel_at   INTEGER,
    record      TEXT NOT NULL
) STRICT;
CREATE INDEX runs_by_time ON runs(created_at);
CREATE INDEX runs_by_build ON runs(build_id) WHERE build_id IS NOT NULL;
CREATE INDEX runs_unfinished ON runs(status) WHERE status IN ('queued', 'running');",
), M::up(
    "-- A notice speaks of a build or of a run.
CREATE TABLE notices_of_both (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    build_id    TEXT REFERENCES builds(id) ON DELETE CASCADE,
    run_id      TEXT REFERENCES runs(id) ON DELETE CASCADE,
    project_id  TEXT NOT NULL,
    kind        TEXT NOT NULL,
    title       TEXT NOT NULL,
    body        TEXT NOT NULL,
    at          INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    read        INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO notices_of_both SELECT id, build_id, NULL, project_id, kind, title, body, at, duration_ms, read FROM notices;
DROP TABLE notices;
ALTER TABLE notices_of_both RENAME TO notices;
CREATE INDEX notices_by_build ON notices(build_id);
CREATE INDEX notices_by_run ON notices(run_id) WHERE run_id IS NOT NULL;",
), M::up(
    "-- A notice may speak of a job of a datum pipeline, which belongs to no project.
ALTER TABLE notices ADD COLUMN job TEXT;",
)];

pub(super) const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

/// The schema version this program writes.
pub(super) const VERSION: usize = STEPS.len();

#[cfg(test)]
mod tests {
    #[test]
    fn questions_of_a_plan_use_their_indexes() {
        let mut connection = rusqlite::Connection::open_in_memory().unwrap();
        super::MIGRATIONS.to_latest(&mut connection).unwrap();
        let newest = "ORDER BY created_at DESC LIMIT 8";
        for (condition, index) in [
            ("commit_id = 'c'", "builds_by_commit"),
            (
                "environment_key = 'e' AND code_key = 'k' AND status = 'succeeded'",
                "builds_by_key",
            ),
            (
                "environment_key = 'e' AND decision = 'full' AND status = 'succeeded'",
                "builds_by_kind",
            ),
        ] {
            let sql = format!(
                "EXPLAIN QUERY PLAN SELECT id FROM builds WHERE project_id = 'p' AND {condition} {newest}"
            );
            let how: String = connection.query_row(&sql, [], |row| row.get(3)).unwrap();
            assert!(how.contains(index), "{condition}: {how}");
        }
    }

    #[test]
    fn questions_about_images_of_pipelines_use_their_indexes() {
        let mut connection = rusqlite::Connection::open_in_memory().unwrap();
        super::MIGRATIONS.to_latest(&mut connection).unwrap();
        for (sql, index) in super::super::targets::questions() {
            let sql = format!("EXPLAIN QUERY PLAN {sql}");
            let mut statement = connection.prepare(&sql).unwrap();
            let rows = statement.raw_query().mapped(|row| row.get(3));
            let how: Vec<String> = rows.map(Result::unwrap).collect();
            assert!(how.iter().any(|line| line.contains(index)), "{sql}: {how:#?}");
            let tables = ["SCAN b", "SCAN t", "SCAN i"];
            let scanned = how.iter().find(|line| tables.contains(&line.as_str()));
            assert_eq!(scanned, None, "{sql}: {how:#?}");
        }
    }

    #[test]
    fn migrations_are_valid() {
        super::MIGRATIONS.validate().unwrap();
    }
}

//! The schema of `data.db`. Migrations are appended, never edited.

use rusqlite_migration::{M, Migrations};

const STEPS: &[M<'static>] = &[M::up(
    "-- Generations order writers and sweeps without a clock: `now` is the newest one given out, `swept` that of the last sweep.
CREATE TABLE generations (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    now    INTEGER NOT NULL,
    swept  INTEGER NOT NULL
) STRICT;
INSERT INTO generations VALUES (1, 0, 0);

-- `data` is null when the bytes lie in a file. `written` is the newest generation that wrote, or relied on, the chunk.
CREATE TABLE chunks (
    digest   BLOB PRIMARY KEY,
    bytes    INTEGER NOT NULL,
    data     BLOB,
    written  INTEGER NOT NULL
) STRICT;

-- What stopped being used in a generation: writers that began before may still build on it.
CREATE TABLE dropped (
    digest      BLOB NOT NULL,
    generation  INTEGER NOT NULL
) STRICT;

CREATE TABLE repos (
    name         TEXT PRIMARY KEY,
    description  TEXT NOT NULL,
    pipeline     TEXT,
    created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE commits (
    id          TEXT PRIMARY KEY,
    repo        TEXT NOT NULL REFERENCES repos(name) ON DELETE CASCADE,
    branch      TEXT NOT NULL,
    parent      TEXT,
    message     TEXT NOT NULL,
    job         TEXT,
    root        BLOB NOT NULL,
    files       INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX commits_by_repo ON commits(repo);

CREATE TABLE branches (
    repo  TEXT NOT NULL REFERENCES repos(name) ON DELETE CASCADE,
    name  TEXT NOT NULL,
    head  TEXT REFERENCES commits(id),
    PRIMARY KEY (repo, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX branches_by_head ON branches(head) WHERE head IS NOT NULL;

-- Branches that pipelines read: they start jobs, and their repositories stay.
CREATE TABLE readers (
    pipeline  TEXT NOT NULL,
    repo      TEXT NOT NULL,
    branch    TEXT NOT NULL,
    PRIMARY KEY (pipeline, repo, branch)
) STRICT, WITHOUT ROWID;
CREATE INDEX readers_by_branch ON readers(repo, branch);

CREATE TABLE pipelines (
    name        TEXT PRIMARY KEY,
    version     INTEGER NOT NULL,
    stopped     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    record      TEXT NOT NULL
) STRICT;

CREATE TABLE versions (
    pipeline  TEXT NOT NULL,
    version   INTEGER NOT NULL,
    record    TEXT NOT NULL,
    PRIMARY KEY (pipeline, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
    id          TEXT PRIMARY KEY,
    pipeline    TEXT NOT NULL,
    status      TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    owner       TEXT NOT NULL,
    cancel_at   INTEGER,
    record      TEXT NOT NULL
) STRICT;
CREATE INDEX jobs_by_pipeline ON jobs(pipeline, created_at);
CREATE INDEX jobs_by_status ON jobs(status);

-- `output` is the root of the tree of what the datum wrote.
CREATE TABLE datums (
    pipeline     TEXT NOT NULL,
    hash         BLOB NOT NULL,
    state        TEXT NOT NULL,
    job          TEXT NOT NULL,
    output       BLOB,
    bytes_in     INTEGER NOT NULL,
    bytes_out    INTEGER NOT NULL,
    duration_ms  INTEGER NOT NULL,
    record       TEXT NOT NULL,
    PRIMARY KEY (pipeline, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX datums_by_job ON datums(job);

-- Datums of a job that have no result: failed, or rescued.
CREATE TABLE outcomes (
    job     TEXT NOT NULL,
    place   INTEGER NOT NULL,
    record  TEXT NOT NULL,
    PRIMARY KEY (job, place)
) STRICT, WITHOUT ROWID;",
), M::up(
    "-- A job has an owner until its containers and volumes are gone.
UPDATE jobs SET owner = '' WHERE status NOT IN ('queued', 'running');
CREATE INDEX jobs_by_owner ON jobs(owner) WHERE owner <> '';",
)];

pub(super) const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

/// The schema version this program writes.
pub(super) const VERSION: usize = STEPS.len();

#[cfg(test)]
mod tests {
    #[test]
    fn migrations_of_the_data_database_are_valid() {
        super::MIGRATIONS.validate().unwrap();
    }
}

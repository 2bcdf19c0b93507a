-- The first schema. Times are RFC 3339 text in UTC with milliseconds; lists and objects are JSON.

CREATE TABLE projects (
    number      INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    slots       INTEGER NOT NULL,
    created_at  TEXT NOT NULL,
    -- The highest event number and task number ever used, so that they outlive what they counted.
    last_seq    INTEGER NOT NULL DEFAULT 0,
    last_number INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The integer key keeps the rows of tasks that are worked on together on few pages.
CREATE TABLE tasks (
    number          INTEGER PRIMARY KEY,
    project         INTEGER NOT NULL REFERENCES projects (number),
    id              TEXT NOT NULL,
    description     TEXT NOT NULL,
    status          TEXT NOT NULL,
    priority        INTEGER NOT NULL,
    dependencies    TEXT NOT NULL,
    tags            TEXT NOT NULL,
    metadata        TEXT,
    expected_output TEXT,
    output          TEXT,
    error           TEXT,
    worker_id       TEXT,
    worker_slot     INTEGER,
    attempt         INTEGER NOT NULL,
    claim_seq       INTEGER,
    version         INTEGER NOT NULL,
    created_by      TEXT,
    created_at      TEXT NOT NULL,
    updated_at      TEXT NOT NULL,
    claimed_at      TEXT,
    completed_at    TEXT,
    UNIQUE (project, id)
) STRICT;

-- Held slots only: a free slot has no row.
CREATE TABLE slots (
    project    INTEGER NOT NULL REFERENCES projects (number),
    number     INTEGER NOT NULL,
    worker_id  TEXT,
    session    TEXT,
    task_id    TEXT,
    claimed_at TEXT NOT NULL,
    PRIMARY KEY (project, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    project   INTEGER NOT NULL REFERENCES projects (number),
    seq       INTEGER NOT NULL,
    time      TEXT NOT NULL,
    type      TEXT NOT NULL,
    task_id   TEXT,
    worker_id TEXT,
    slot      INTEGER,
    status    TEXT,
    attempt   INTEGER,
    version   INTEGER,
    data      TEXT,
    PRIMARY KEY (project, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX events_by_task ON events (project, task_id) WHERE task_id IS NOT NULL;

-- What idempotency keys stand for. The row number keeps new rows together; keys are random.
CREATE TABLE replies (
    number      INTEGER PRIMARY KEY,
    project     INTEGER NOT NULL REFERENCES projects (number),
    key         TEXT NOT NULL,
    fingerprint INTEGER NOT NULL,
    reply       TEXT,
    at          TEXT NOT NULL,
    UNIQUE (project, key)
) STRICT;

CREATE INDEX replies_by_age ON replies (at);

-- The full life of tasks and slots: leases, retries, schedules, resources, templates, retention.
-- Leases themselves are not here: they run on a monotonic clock and live in memory.

ALTER TABLE projects ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN pause_reason TEXT;
-- Events up to this number may have been removed.
ALTER TABLE projects ADD COLUMN pruned_seq INTEGER NOT NULL DEFAULT 0;

ALTER TABLE tasks ADD COLUMN resources TEXT NOT NULL DEFAULT '[]';
ALTER TABLE tasks ADD COLUMN reserved TEXT NOT NULL DEFAULT '[]';
ALTER TABLE tasks ADD COLUMN forgiven INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN max_attempts INTEGER;
ALTER TABLE tasks ADD COLUMN retry_delay_ms INTEGER;
ALTER TABLE tasks ADD COLUMN timeout_ms INTEGER;
ALTER TABLE tasks ADD COLUMN lease_ms INTEGER;
ALTER TABLE tasks ADD COLUMN not_before TEXT;
ALTER TABLE tasks ADD COLUMN retry_at TEXT;
ALTER TABLE tasks ADD COLUMN deadline TEXT;
ALTER TABLE tasks ADD COLUMN overdue INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN lapsed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN progress REAL;
ALTER TABLE tasks ADD COLUMN note TEXT;
ALTER TABLE tasks ADD COLUMN ready_at TEXT;

ALTER TABLE slots ADD COLUMN revoked TEXT;
ALTER TABLE slots ADD COLUMN bound INTEGER NOT NULL DEFAULT 0;
ALTER TABLE slots ADD COLUMN lease_ms INTEGER NOT NULL DEFAULT 300000;

-- What a database of the first schema holds.
UPDATE tasks SET ready_at = updated_at WHERE status IN ('available', 'working');
UPDATE tasks SET lease_ms = 300000 WHERE status = 'working';

CREATE TABLE templates (
    project     INTEGER NOT NULL REFERENCES projects (number),
    name        TEXT NOT NULL,
    description TEXT,
    tasks       TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    PRIMARY KEY (project, name)
) STRICT, WITHOUT ROWID;

-- Rows travel as JSON in both directions. A batch comes in as one array per table, so that one
-- statement writes it without taking Python's interpreter lock for each row; a record comes back
-- as one object with the record's own field names. `WHERE true` keeps the parser from reading
-- ON CONFLICT as a join condition.

-- Writing ---------------------------------------------------------------------------------------

-- name: upsert_projects
INSERT INTO projects (number, name, slots, paused, pause_reason, pruned_seq, created_at)
SELECT
    json_extract(value, '$.number'),
    json_extract(value, '$.name'),
    json_extract(value, '$.slots'),
    json_extract(value, '$.paused'),
    json_extract(value, '$.pause_reason'),
    json_extract(value, '$.pruned_seq'),
    strftime('%Y-%m-%dT%H:%M:%fZ', json_extract(value, '$.created_ms') / 1000.0, 'unixepoch')
FROM json_each(?)
WHERE true
ON CONFLICT (number) DO UPDATE SET
    name = excluded.name,
    slots = excluded.slots,
    paused = excluded.paused,
    pause_reason = excluded.pause_reason,
    pruned_seq = excluded.pruned_seq,
    created_at = excluded.created_at;

-- name: upsert_tasks
-- A task never changes its number, project or id; leaving the last two out of the update leaves
-- their index alone. A field that is absent has its default.
INSERT INTO tasks (
    number, project, id, description, status, priority, dependencies, resources, reserved, tags,
    metadata, expected_output, output, error, worker_id, worker_slot, attempt, forgiven,
    max_attempts, retry_delay_ms, timeout_ms, lease_ms, not_before, retry_at, deadline, overdue,
    lapsed, progress, note, claim_seq, version, created_by, created_at, updated_at, ready_at,
    claimed_at, completed_at
)
SELECT
    json_extract(value, '$.number'),
    json_extract(value, '$.project'),
    json_extract(value, '$.id'),
    json_extract(value, '$.description'),
    json_extract(value, '$.status'),
    coalesce(json_extract(value, '$.priority'), 0),
    coalesce(json_extract(value, '$.dependencies'), '[]'),
    coalesce(json_extract(value, '$.resources'), '[]'),
    coalesce(json_extract(value, '$.reserved'), '[]'),
    coalesce(json_extract(value, '$.tags'), '[]'),
    json_extract(value, '$.metadata'),
    json_extract(value, '$.expected_output'),
    json_extract(value, '$.output'),
    json_extract(value, '$.error'),
    json_extract(value, '$.worker_id'),
    json_extract(value, '$.worker_slot'),
    coalesce(json_extract(value, '$.attempt'), 0),
    coalesce(json_extract(value, '$.forgiven'), 0),
    json_extract(value, '$.max_attempts'),
    json_extract(value, '$.retry_delay_ms'),
    json_extract(value, '$.timeout_ms'),
    json_extract(value, '$.lease_ms'),
    strftime('%Y-%m-%dT%H:%M:%fZ', json_extract(value, '$.not_before_ms') / 1000.0, 'unixepoch'),
    strftime('%Y-%m-%dT%H:%M:%fZ', json_extract(value, '$.retry_at_ms') / 1000.0, 'unixepoch'),
    strftime('%Y-%m-%dT%H:%M:%fZ', json_extract(value, '$.deadline_ms') / 1000.0, 'unixepoch'),
    coalesce(json_extract(value, '$.overdue'), 0),
    coalesce(json_extract(value, '$.lapsed'), 0),
    json_extract(value, '$.progress'),
    json_extract(value, '$.note'),
    json_extract(value, '$.claim_seq'),
    coalesce(json_extract(value, '$.version'), 1),
    json_extract(value, '$.created_by'),
    strftime('%Y-%m-%dT%H:%M:%fZ', json_extract(value, '$.created_ms') / 1000.0, 'unixepoch'),
    strftime('%Y-%m-%dT%H:%M:%fZ', json_extract(value, '$.updated_ms') / 1000.0, 'unixepoch'),
    strftime('%Y-%m-%dT%H:%M:%fZ', json_extract(value, '$.ready_ms') / 1000.0, 'unixepoch'),
    strftime('%Y-%m-%dT%H:%M:%fZ', json_extract(value, '$.claimed_ms') / 1000.0, 'unixepoch'),
    strftime('%Y-%m-%dT%H:%M:%fZ', json_extract(value, '$.completed_ms') / 1000.0, 'unixepoch')
FROM json_each(?)
WHERE true
ON CONFLICT (number) DO UPDATE SET
    description = excluded.description,
    status = excluded.status,
    priority = excluded.priority,
    dependencies = excluded.dependencies,
    resources = excluded.resources,
    reserved = excluded.reserved,
    tags = excluded.tags,
    metadata = excluded.metadata,
    expected_output = excluded.expected_output,
    output = excluded.output,
    error = excluded.error,
    worker_id = excluded.worker_id,
    worker_slot = excluded.worker_slot,
    attempt = excluded.attempt,
    forgiven = excluded.forgiven,
    max_attempts = excluded.max_attempts,
    retry_delay_ms = excluded.retry_delay_ms,
    timeout_ms = excluded.timeout_ms,
    lease_ms = excluded.lease_ms,
    not_before = excluded.not_before,
    retry_at = excluded.retry_at,
    deadline = excluded.deadline,
    overdue = excluded.overdue,
    lapsed = excluded.lapsed,
    progress = excluded.progress,
    note = excluded.note,
    claim_seq = excluded.claim_seq,
    version = excluded.version,
    created_by = excluded.created_by,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at,
    ready_at = excluded.ready_at,
    claimed_at = excluded.claimed_at,
    completed_at = excluded.completed_at;

-- name: delete_tasks
DELETE FROM tasks WHERE number IN (SELECT value FROM json_each(?));

-- name: upsert_slots
INSERT INTO slots (
    project, number, worker_id, session, task_id, revoked, bound, lease_ms, claimed_at
)
SELECT
    json_extract(value, '$.project'),
    json_extract(value, '$.number'),
    json_extract(value, '$.worker_id'),
    json_extract(value, '$.session'),
    json_extract(value, '$.task_id'),
    json_extract(value, '$.revoked'),
    json_extract(value, '$.bound'),
    json_extract(value, '$.lease_ms'),
    strftime('%Y-%m-%dT%H:%M:%fZ', json_extract(value, '$.claimed_ms') / 1000.0, 'unixepoch')
FROM json_each(?)
WHERE true
ON CONFLICT (project, number) DO UPDATE SET
    worker_id = excluded.worker_id,
    session = excluded.session,
    task_id = excluded.task_id,
    revoked = excluded.revoked,
    bound = excluded.bound,
    lease_ms = excluded.lease_ms,
    claimed_at = excluded.claimed_at;

-- name: delete_slots
DELETE FROM slots WHERE (project, number) IN (
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)
);

-- name: upsert_templates
INSERT INTO templates (project, name, description, tasks, updated_at)
SELECT
    json_extract(value, '$.project'),
    json_extract(value, '$.name'),
    json_extract(value, '$.description'),
    json_extract(value, '$.tasks'),
    strftime('%Y-%m-%dT%H:%M:%fZ', json_extract(value, '$.updated_ms') / 1000.0, 'unixepoch')
FROM json_each(?)
WHERE true
ON CONFLICT (project, name) DO UPDATE SET
    description = excluded.description,
    tasks = excluded.tasks,
    updated_at = excluded.updated_at;

-- name: delete_templates
DELETE FROM templates WHERE (project, name) IN (
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)
);

-- name: forget_events
DELETE FROM events WHERE (project, seq) IN (
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)
);

-- name: insert_events
-- No upsert: an event number that exists already means that two servers write, and must fail.
INSERT INTO events (
    project, seq, time, type, task_id, worker_id, slot, status, attempt, version, data
)
SELECT
    json_extract(value, '$.project'),
    json_extract(value, '$.event.seq'),
    json_extract(value, '$.event.time'),
    json_extract(value, '$.event.type'),
    json_extract(value, '$.event.taskId'),
    json_extract(value, '$.event.workerId'),
    json_extract(value, '$.event.slot'),
    json_extract(value, '$.event.status'),
    json_extract(value, '$.event.attempt'),
    json_extract(value, '$.event.version'),
    json_extract(value, '$.event.data')
FROM json_each(?);

-- name: mark_projects
UPDATE projects SET
    last_seq = max(last_seq, mark.seq),
    last_number = max(last_number, mark.task_number)
FROM (
    SELECT
        json_extract(value, '$[0]') AS project,
        json_extract(value, '$[1]') AS seq,
        json_extract(value, '$[2]') AS task_number
    FROM json_each(?)
) AS mark
WHERE projects.number = mark.project;

-- name: mark_removed
-- A task that came and went within one batch left no row that tells its project. Its number must
-- not come again all the same, and numbers are shared by all projects, so any project can keep it.
UPDATE projects SET last_number = max(last_number, ?)
WHERE number = (SELECT min(number) FROM projects);

-- name: forget_replies
DELETE FROM replies WHERE at < ?;

-- name: upsert_replies
INSERT INTO replies (project, key, fingerprint, reply, at)
SELECT
    json_extract(value, '$.project'),
    json_extract(value, '$.key'),
    json_extract(value, '$.fingerprint'),
    json_extract(value, '$.reply'),
    strftime('%Y-%m-%dT%H:%M:%fZ', json_extract(value, '$.at_ms') / 1000.0, 'unixepoch')
FROM json_each(?)
WHERE true
ON CONFLICT (project, key) DO UPDATE SET
    fingerprint = excluded.fingerprint,
    reply = excluded.reply,
    at = excluded.at;

-- Reading ---------------------------------------------------------------------------------------

-- name: count_tasks
SELECT count(*) FROM tasks;

-- name: count_rows
SELECT (SELECT count(*) FROM tasks) + (SELECT count(*) FROM replies);

-- name: load_projects
SELECT
    last_seq,
    last_number,
    json_object(
        'number', number,
        'name', name,
        'slots', slots,
        'paused', json(iif(paused, 'true', 'false')),
        'pause_reason', pause_reason,
        'pruned_seq', pruned_seq,
        'created_ms',
        strftime('%s', created_at) * 1000 + substr(created_at, 21, 3)
    )
FROM projects
ORDER BY number;

-- name: load_tasks
SELECT
    number,
    json_object(
        'project', project,
        'number', number,
        'id', id,
        'description', description,
        'status', status,
        'priority', priority,
        'dependencies', json(dependencies),
        'resources', json(resources),
        'reserved', json(reserved),
        'tags', json(tags),
        'metadata', json(metadata),
        'expected_output', expected_output,
        'output', output,
        'error', error,
        'worker_id', worker_id,
        'worker_slot', worker_slot,
        'attempt', attempt,
        'forgiven', forgiven,
        'max_attempts', max_attempts,
        'retry_delay_ms', retry_delay_ms,
        'timeout_ms', timeout_ms,
        'lease_ms', lease_ms,
        'not_before_ms', strftime('%s', not_before) * 1000 + substr(not_before, 21, 3),
        'retry_at_ms', strftime('%s', retry_at) * 1000 + substr(retry_at, 21, 3),
        'deadline_ms', strftime('%s', deadline) * 1000 + substr(deadline, 21, 3),
        'overdue', json(iif(overdue, 'true', 'false')),
        'lapsed', json(iif(lapsed, 'true', 'false')),
        'progress', progress,
        'note', note,
        'claim_seq', claim_seq,
        'version', version,
        'created_by', created_by,
        'created_ms', strftime('%s', created_at) * 1000 + substr(created_at, 21, 3),
        'updated_ms', strftime('%s', updated_at) * 1000 + substr(updated_at, 21, 3),
        'ready_ms', strftime('%s', ready_at) * 1000 + substr(ready_at, 21, 3),
        'claimed_ms', strftime('%s', claimed_at) * 1000 + substr(claimed_at, 21, 3),
        'completed_ms', strftime('%s', completed_at) * 1000 + substr(completed_at, 21, 3)
    )
FROM tasks
WHERE number > :after
ORDER BY number
LIMIT :rows;

-- name: load_slots
SELECT
    json_object(
        'project', project,
        'number', number,
        'worker_id', worker_id,
        'session', session,
        'task_id', task_id,
        'revoked', revoked,
        'bound', json(iif(bound, 'true', 'false')),
        'lease_ms', lease_ms,
        'claimed_ms', strftime('%s', claimed_at) * 1000 + substr(claimed_at, 21, 3)
    )
FROM slots
ORDER BY project, number;

-- name: load_templates
SELECT
    json_object(
        'project', project,
        'name', name,
        'description', description,
        'tasks', json(tasks),
        'updated_ms', strftime('%s', updated_at) * 1000 + substr(updated_at, 21, 3)
    )
FROM templates
ORDER BY project, name;

-- name: load_replies
SELECT
    number,
    json_object(
        'project', project,
        'key', key,
        'fingerprint', fingerprint,
        'reply', NULL,
        'at_ms', strftime('%s', at) * 1000 + substr(at, 21, 3)
    )
FROM replies
WHERE number > :after
ORDER BY number
LIMIT :rows;

-- name: read_replies
SELECT
    json_object(
        'project', project,
        'key', replies.key,
        'fingerprint', fingerprint,
        'reply', reply,
        'at_ms', strftime('%s', at) * 1000 + substr(at, 21, 3)
    )
FROM json_each(?) AS wanted
CROSS JOIN replies
    ON replies.project = json_extract(wanted.value, '$[0]')
    AND replies.key = json_extract(wanted.value, '$[1]');

-- name: read_events
SELECT
    json_object(
        'seq', seq,
        'time', time,
        'type', type,
        'taskId', task_id,
        'workerId', worker_id,
        'slot', slot,
        'status', status,
        'attempt', attempt,
        'version', version,
        'data', json(data)
    )
FROM events
WHERE project = :project
    AND seq > :since
    AND seq <= :until
    AND (:worker_id IS NULL OR worker_id = :worker_id)
    AND (:types IS NULL OR type IN (SELECT value FROM json_each(:types)))
ORDER BY seq
LIMIT :limit;

-- name: read_events_of_task
-- Left to itself, SQLite would rather walk through the whole history of the project.
SELECT
    json_object(
        'seq', seq,
        'time', time,
        'type', type,
        'taskId', task_id,
        'workerId', worker_id,
        'slot', slot,
        'status', status,
        'attempt', attempt,
        'version', version,
        'data', json(data)
    )
FROM events INDEXED BY events_by_task
WHERE project = :project
    AND task_id = :task_id
    AND seq > :since
    AND seq <= :until
    AND (:worker_id IS NULL OR worker_id = :worker_id)
    AND (:types IS NULL OR type IN (SELECT value FROM json_each(:types)))
ORDER BY seq
LIMIT :limit;

-- name: read_events_of_tasks
-- Found task by task, then put in order.
SELECT
    json_object(
        'seq', seq,
        'time', time,
        'type', type,
        'taskId', task_id,
        'workerId', worker_id,
        'slot', slot,
        'status', status,
        'attempt', attempt,
        'version', version,
        'data', json(data)
    )
FROM events INDEXED BY events_by_task
WHERE project = :project
    AND task_id IN (SELECT value FROM json_each(:task_ids))
    AND seq > :since
    AND seq <= :until
    AND (:worker_id IS NULL OR worker_id = :worker_id)
    AND (:types IS NULL OR type IN (SELECT value FROM json_each(:types)))
ORDER BY seq
LIMIT :limit;

-- name: read_milestones
-- One JSON array of all, the newest first. Joining texts is twice as fast as json_group_array.
SELECT '[' || group_concat(milestone) || ']'
FROM (
    SELECT
        json_array(
            seq,
            time,
            type,
            task_id,
            worker_id,
            slot,
            attempt,
            json_extract(data, '$.waitedSeconds'),
            json_extract(data, '$.workedSeconds'),
            json_extract(data, '$.cause'),
            json_extract(data, '$.previousStatus'),
            json_extract(data, '$.previousWorkerId'),
            substr(json_extract(data, '$.error'), 1, :error_length)
        ) AS milestone
    FROM events
    WHERE project = :project
        AND seq > :since
        AND seq <= :until
        AND (:worker_id IS NULL OR worker_id = :worker_id)
        AND (:types IS NULL OR type IN (SELECT value FROM json_each(:types)))
        AND (:task_ids IS NULL OR task_id IN (SELECT value FROM json_each(:task_ids)))
    ORDER BY seq DESC
    LIMIT :limit
);

-- name: read_milestones_of_task
SELECT '[' || group_concat(milestone) || ']'
FROM (
    SELECT
        json_array(
            seq,
            time,
            type,
            task_id,
            worker_id,
            slot,
            attempt,
            json_extract(data, '$.waitedSeconds'),
            json_extract(data, '$.workedSeconds'),
            json_extract(data, '$.cause'),
            json_extract(data, '$.previousStatus'),
            json_extract(data, '$.previousWorkerId'),
            substr(json_extract(data, '$.error'), 1, :error_length)
        ) AS milestone
    FROM events INDEXED BY events_by_task
    WHERE project = :project
        AND task_id = :task_id
        AND seq > :since
        AND seq <= :until
        AND (:worker_id IS NULL OR worker_id = :worker_id)
        AND (:types IS NULL OR type IN (SELECT value FROM json_each(:types)))
    ORDER BY seq DESC
    LIMIT :limit
);

-- name: count_events
-- The beginning of the time and the type in one text: grouping by two columns takes twice as long.
-- An event that removed several tasks counts as many.
SELECT
    substr(time, 1, :length) || type,
    sum(
        CASE
            WHEN type IN ('tasks_cleaned', 'tasks_pruned')
                THEN coalesce(json_extract(data, '$.removed'), 1)
            ELSE 1
        END
    )
FROM events
WHERE project = :project
    AND seq > :since
    AND seq <= :until
GROUP BY 1;

-- Stretches of history. `OFFSET` only walks an index; what is walked over next is read by another
-- query, which knows where to end.

-- name: nth_event
SELECT seq FROM events
WHERE project = :project AND seq > :since
ORDER BY seq LIMIT 1 OFFSET :rows;

-- name: nth_event_of_task
SELECT seq FROM events INDEXED BY events_by_task
WHERE project = :project AND task_id = :task_id AND seq > :since
ORDER BY seq LIMIT 1 OFFSET :rows;

-- name: nth_last_event
SELECT seq FROM events
WHERE project = :project AND seq <= :until
ORDER BY seq DESC LIMIT 1 OFFSET :rows;

-- name: nth_last_event_of_task
SELECT seq FROM events INDEXED BY events_by_task
WHERE project = :project AND task_id = :task_id AND seq <= :until
ORDER BY seq DESC LIMIT 1 OFFSET :rows;

-- name: last_event
SELECT seq FROM events WHERE project = :project ORDER BY seq DESC LIMIT 1;

-- name: event_from
SELECT seq, time FROM events WHERE project = :project AND seq >= :seq ORDER BY seq LIMIT 1;

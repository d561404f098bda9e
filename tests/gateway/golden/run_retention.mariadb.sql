INSERT INTO retention_runs (run_id, dry_run, requested_by, started_at, finished_at, completed, events_removed, references_removed, archived, folded, outcomes, error)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

SELECT CAST(retention_policies.policy_id AS UUID) AS policy_id, retention_policies.name, retention_policies.namespace, retention_policies.event_types, retention_policies.object_types, retention_policies.sources, retention_policies.selectors, retention_policies.max_age_seconds, retention_policies.archive, retention_policies.prune_registrations, retention_policies.compact_repeats, retention_policies.enabled, retention_policies.created_at, retention_policies.updated_at
FROM retention_policies
ORDER BY retention_policies.policy_id;

SELECT CAST(retention_runs.run_id AS UUID) AS run_id
FROM retention_runs
WHERE retention_runs.run_id = %s;

SELECT CAST(retention_runs.run_id AS UUID) AS run_id, retention_runs.dry_run, retention_runs.requested_by, retention_runs.started_at, retention_runs.finished_at, retention_runs.completed, retention_runs.events_removed, retention_runs.references_removed, retention_runs.archived, retention_runs.folded, retention_runs.outcomes, retention_runs.error
FROM retention_runs
WHERE retention_runs.run_id = %s;

SELECT CAST(retention_runs.run_id AS UUID) AS run_id, retention_runs.dry_run, retention_runs.requested_by, retention_runs.started_at, retention_runs.finished_at, retention_runs.completed, retention_runs.events_removed, retention_runs.references_removed, retention_runs.archived, retention_runs.folded, retention_runs.outcomes, retention_runs.error
FROM retention_runs
WHERE retention_runs.run_id = %s FOR UPDATE;

SELECT CAST(retention_runs.run_id AS UUID) AS run_id, retention_runs.dry_run, retention_runs.requested_by, retention_runs.started_at, retention_runs.finished_at, retention_runs.completed, retention_runs.events_removed, retention_runs.references_removed, retention_runs.archived, retention_runs.folded, retention_runs.outcomes, retention_runs.error
FROM retention_runs
WHERE retention_runs.run_id = %s FOR UPDATE;

SELECT event_types.namespace, event_types.name, event_types.max_age_seconds
FROM event_types
WHERE event_types.max_age_seconds IS NOT NULL
ORDER BY event_types.namespace, event_types.name;

SELECT ingest_batches.received_at, ingest_batches.batch_key, ingest_batches.event_count
FROM ingest_batches FORCE INDEX (ix_ingest_batches_received)
WHERE ((ingest_batches.received_at > %s) OR ingest_batches.received_at = %s AND (ingest_batches.batch_key >= %s)) AND ingest_batches.received_at < %s AND (ingest_batches.`position` <= %s)
ORDER BY ingest_batches.received_at, ingest_batches.batch_key
LIMIT %s;

SELECT ingest_batches.received_at, ingest_batches.batch_key, ingest_batches.event_count
FROM ingest_batches FORCE INDEX (ix_ingest_batches_received)
WHERE ((ingest_batches.received_at > %s) OR ingest_batches.received_at = %s AND (ingest_batches.batch_key >= %s)) AND ingest_batches.received_at < %s AND (ingest_batches.`position` <= %s)
ORDER BY ingest_batches.received_at, ingest_batches.batch_key
LIMIT %s;

SELECT leases.high_water
FROM leases
WHERE leases.name = %s;

SELECT retention_marks.received_at, retention_marks.batch_key, retention_marks.`position`
FROM retention_marks
WHERE retention_marks.mark = %s;

SELECT retention_marks.received_at, retention_marks.batch_key, retention_marks.`position`
FROM retention_marks
WHERE retention_marks.mark = %s;

UPDATE retention_runs SET finished_at=%s, completed=%s, error=%s
WHERE retention_runs.run_id = %s AND retention_runs.finished_at IS NULL;

UPDATE retention_runs SET run_id=%s, dry_run=%s, requested_by=%s, started_at=%s, finished_at=%s, completed=%s, events_removed=%s, references_removed=%s, archived=%s, folded=%s, outcomes=%s, error=%s
WHERE retention_runs.run_id = %s;

UPDATE retention_runs SET run_id=%s, dry_run=%s, requested_by=%s, started_at=%s, finished_at=%s, completed=%s, events_removed=%s, references_removed=%s, archived=%s, folded=%s, outcomes=%s, error=%s
WHERE retention_runs.run_id = %s;


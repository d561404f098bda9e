INSERT INTO deletions (deletion_id, kind, state, requested_by, reason, filter, selection, bound, matched, matched_references, recounted, recounted_references, deleted, deleted_references, place, sample, created_at, started_at, finished_at, expires_at, error)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

SELECT CAST(deletions.deletion_id AS UUID) AS deletion_id, deletions.kind, deletions.state, deletions.requested_by, deletions.reason, deletions.filter, deletions.selection, deletions.bound, deletions.matched, deletions.matched_references, deletions.recounted, deletions.recounted_references, deletions.deleted, deletions.deleted_references, deletions.place, deletions.sample, deletions.created_at, deletions.started_at, deletions.finished_at, deletions.expires_at, deletions.error
FROM deletions
WHERE deletions.deletion_id = %s;

SELECT CAST(registrations.registration_id AS UUID) AS registration_id
FROM registrations
WHERE registrations.namespace_key = %s AND registrations.source = %s AND registrations.generation < (SELECT max(last.generation) AS max_1
FROM registrations AS last
WHERE last.namespace_key = %s AND last.source = %s) AND (SELECT events.namespace_key
FROM events FORCE INDEX (ix_events_registration)
WHERE events.registration_id = registrations.registration_id
LIMIT %s) IS NOT NULL
ORDER BY registrations.generation;

SELECT ingest_batches.batch_key
FROM ingest_batches FORCE INDEX (uq_ingest_batches_position)
WHERE ingest_batches.`position` IS NULL
ORDER BY ingest_batches.batch_key DESC
LIMIT %s;

SELECT leases.high_water
FROM leases
WHERE leases.name = %s;


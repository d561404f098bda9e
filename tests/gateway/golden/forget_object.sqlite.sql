BEGIN IMMEDIATE;

INSERT INTO deletions (deletion_id, kind, state, requested_by, reason, filter, selection, bound, matched, matched_references, recounted, recounted_references, deleted, deleted_references, place, sample, created_at, started_at, finished_at, expires_at, error)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

SELECT CASE WHEN deletions.deletion_id IS NULL THEN NULL ELSE substr(lower(hex(deletions.deletion_id)), 1, 8) || '-' || substr(lower(hex(deletions.deletion_id)), 9, 4) || '-' || substr(lower(hex(deletions.deletion_id)), 13, 4) || '-' || substr(lower(hex(deletions.deletion_id)), 17, 4) || '-' || substr(lower(hex(deletions.deletion_id)), 21, 12) END AS deletion_id, deletions.kind, deletions.state, deletions.requested_by, deletions.reason, deletions.filter, deletions.selection, deletions.bound, deletions.matched, deletions.matched_references, deletions.recounted, deletions.recounted_references, deletions.deleted, deletions.deleted_references, deletions.place, deletions.sample, deletions.created_at, deletions.started_at, deletions.finished_at, deletions.expires_at, deletions.error
FROM deletions
WHERE deletions.deletion_id = ?;

SELECT leases.high_water
FROM leases
WHERE leases.name = ?;

SELECT namespaces.name, namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (?);

SELECT objects.namespace, objects.object_type, objects.object_id, objects.object_key
FROM objects
WHERE objects.namespace = ? AND objects.object_type = ? AND objects.object_id IN (?);

SELECT place.audience_key, place.occurred_at, CASE WHEN place.event_id IS NULL THEN NULL ELSE substr(lower(hex(place.event_id)), 1, 8) || '-' || substr(lower(hex(place.event_id)), 9, 4) || '-' || substr(lower(hex(place.event_id)), 13, 4) || '-' || substr(lower(hex(place.event_id)), 17, 4) || '-' || substr(lower(hex(place.event_id)), 21, 12) END AS event_id, place.namespace_key, events.repeat_count, EXISTS (SELECT *
FROM event_objects AS other
WHERE other.event_id = place.event_id AND other.namespace_key = place.namespace_key AND other.object_key != place.object_key) AS has_others
FROM event_objects AS place
JOIN events ON events.id = place.event_id AND events.namespace_key = place.namespace_key
WHERE place.object_key = ? AND NOT (EXISTS (SELECT *
FROM ingest_batches
WHERE ingest_batches.batch_key = events.batch_key AND (ingest_batches.position IS NULL OR ingest_batches.position > ?)))
ORDER BY place.audience_key, place.occurred_at, place.event_id, place.namespace_key
LIMIT ? OFFSET ?;


INSERT INTO deletions (deletion_id, kind, state, requested_by, reason, filter, selection, bound, matched, matched_references, recounted, recounted_references, deleted, deleted_references, place, sample, created_at, started_at, finished_at, expires_at, error)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

SELECT CAST(deletions.deletion_id AS UUID) AS deletion_id, deletions.kind, deletions.state, deletions.requested_by, deletions.reason, deletions.filter, deletions.selection, deletions.bound, deletions.matched, deletions.matched_references, deletions.recounted, deletions.recounted_references, deletions.deleted, deletions.deleted_references, deletions.place, deletions.sample, deletions.created_at, deletions.started_at, deletions.finished_at, deletions.expires_at, deletions.error
FROM deletions
WHERE deletions.deletion_id = %s;

SELECT STRAIGHT_JOIN place.audience_key, place.occurred_at, CAST(place.event_id AS UUID) AS event_id, place.namespace_key, events.repeat_count, EXISTS (SELECT *
FROM event_objects AS other
WHERE other.event_id = place.event_id AND other.namespace_key = place.namespace_key AND other.object_key != place.object_key) AS has_others
FROM event_objects AS place FORCE INDEX (PRIMARY)
INNER JOIN events ON events.id = place.event_id AND events.namespace_key = place.namespace_key
WHERE place.object_key = %s AND NOT (EXISTS (SELECT *
FROM ingest_batches
WHERE ingest_batches.batch_key = events.batch_key AND (ingest_batches.`position` IS NULL OR ingest_batches.`position` > %s)))
ORDER BY place.audience_key, place.occurred_at, place.event_id, place.namespace_key
LIMIT %s;

SELECT ingest_batches.batch_key
FROM ingest_batches FORCE INDEX (uq_ingest_batches_position)
WHERE ingest_batches.`position` IS NULL
ORDER BY ingest_batches.batch_key DESC
LIMIT %s;

SELECT leases.high_water
FROM leases
WHERE leases.name = %s;

SELECT namespaces.name, namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (%s);

SELECT objects.namespace, objects.object_type, objects.object_id, objects.object_key
FROM objects
WHERE objects.namespace = %s AND objects.object_type = %s AND objects.object_id IN (%s);


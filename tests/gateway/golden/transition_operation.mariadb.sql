INSERT INTO event_count_deltas (audience_key, minute, event_type, severity, success, event_rows, occurrences, arrival_day)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s);

INSERT INTO event_objects (object_key, audience_key, occurred_at, event_id, namespace_key, object_type, event_type, severity, role, success)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

INSERT INTO events (id, namespace_key, audience_key, event_type, category, severity, severity_text, occurred_at, received_at, source, message, extra, duration_ms, success, actor, actor_claim, session_id, request_id, correlation_id, parent_id, trace_id, span_id, parent_span_id, registration_id, record_count, content_hash, batch_key, batch_index)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

INSERT INTO ingest_batches (received_at, event_count)
VALUES (%s, %s);

INSERT INTO object_audiences (object_key, audience_key)
VALUES (%s, %s)
ON DUPLICATE KEY UPDATE audience_key = object_audiences.audience_key;

INSERT INTO objects (namespace, object_type, object_id)
VALUES (%s, %s, %s)
ON DUPLICATE KEY UPDATE object_id = objects.object_id;

SELECT STRAIGHT_JOIN events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at, events.event_type, events.message, events.extra, events.duration_ms, events.success
FROM (SELECT place.occurred_at AS occurred_at, place.event_id AS id, place.namespace_key AS namespace_key
FROM event_objects AS place FORCE INDEX (PRIMARY)
WHERE place.object_key = %s AND place.audience_key = %s
ORDER BY place.occurred_at DESC, id DESC
LIMIT %s) AS page
INNER JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at DESC, page.id DESC;

SELECT objects.namespace, objects.object_type, objects.object_id, objects.object_key
FROM objects
WHERE objects.namespace = %s AND objects.object_type = %s AND objects.object_id IN (%s);

SELECT objects.namespace, objects.object_type, objects.object_id, objects.object_key
FROM objects
WHERE objects.namespace = %s AND objects.object_type = %s AND objects.object_id IN (%s);

SELECT objects.object_key, object_audiences.audience_key
FROM objects
INNER JOIN object_audiences ON object_audiences.object_key = objects.object_key
WHERE objects.object_type = %s AND objects.object_id = %s AND objects.namespace = %s
ORDER BY objects.object_key, object_audiences.audience_key;

SELECT operation_targets.operation_key, operation_targets.namespace, operation_targets.object_type, operation_targets.object_id
FROM operation_targets
WHERE operation_targets.operation_key IN (%s);

SELECT operations.operation_key, CAST(operations.operation_id AS UUID) AS operation_id, (SELECT namespaces.name
FROM namespaces
WHERE namespaces.namespace_key = operations.namespace_key) AS namespace, operations.operation_type, operations.state, operations.is_pending, operations.created_at, operations.updated_at, operations.request_id, operations.payload
FROM operations
WHERE operations.operation_id IN (%s);

SELECT operations.operation_key, CAST(operations.operation_id AS UUID) AS operation_id, (SELECT namespaces.name
FROM namespaces
WHERE namespaces.namespace_key = operations.namespace_key) AS namespace, operations.operation_type, operations.state, operations.is_pending, operations.created_at, operations.updated_at, operations.request_id, operations.payload
FROM operations
WHERE operations.operation_id IN (%s);

SELECT operations.state, operations.updated_at
FROM operations
WHERE operations.operation_key = %s FOR UPDATE;

UPDATE operation_targets SET is_pending=%s
WHERE operation_targets.operation_key = %s;

UPDATE operations SET state=%s, is_pending=%s, updated_at=%s, finished_at=%s
WHERE operations.operation_key = %s;


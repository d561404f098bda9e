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

INSERT INTO operation_targets (object_key, operation_key, is_pending, namespace_key, audience_key, namespace, object_type, object_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s);

INSERT INTO operations (operation_id, namespace_key, audience_key, operation_type, state, is_pending, created_at, updated_at, request_id, requested_by, payload, content_hash)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

SELECT leases.high_water
FROM leases
WHERE leases.name = %s;

SELECT objects.namespace, objects.object_type, objects.object_id, objects.object_key
FROM objects
WHERE objects.namespace = %s AND objects.object_type = %s AND objects.object_id IN (%s);

SELECT objects.namespace, objects.object_type, objects.object_id, objects.object_key
FROM objects
WHERE objects.namespace = %s AND objects.object_type = %s AND objects.object_id IN (%s);

SELECT operation_targets.operation_key, operation_targets.namespace, operation_targets.object_type, operation_targets.object_id
FROM operation_targets
WHERE operation_targets.operation_key IN (%s);

SELECT operations.operation_key, CAST(operations.operation_id AS UUID) AS operation_id, (SELECT namespaces.name
FROM namespaces
WHERE namespaces.namespace_key = operations.namespace_key) AS namespace, operations.operation_type, operations.state, operations.is_pending, operations.created_at, operations.updated_at, operations.request_id, operations.payload, operations.content_hash
FROM operations
WHERE operations.operation_id = %s;


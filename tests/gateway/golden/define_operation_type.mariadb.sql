INSERT INTO audiences (namespace_key, readers, owner, digest)
VALUES (%s, %s, %s, %s)
ON DUPLICATE KEY UPDATE digest = audiences.digest;

INSERT INTO event_count_deltas (audience_key, minute, event_type, severity, success, event_rows, occurrences, arrival_day)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s);

INSERT INTO events (id, namespace_key, audience_key, event_type, category, severity, severity_text, occurred_at, received_at, source, message, extra, duration_ms, success, actor, actor_claim, session_id, request_id, correlation_id, parent_id, trace_id, span_id, parent_span_id, registration_id, record_count, content_hash, batch_key, batch_index)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

INSERT INTO ingest_batches (received_at, event_count)
VALUES (%s, %s);

INSERT INTO leases (name, owner, epoch, expires_at, high_water)
VALUES (%s, %s, %s, %s, %s)
ON DUPLICATE KEY UPDATE high_water = (leases.high_water +
VALUES(high_water));

INSERT INTO namespaces (name)
VALUES (%s)
ON DUPLICATE KEY UPDATE name = namespaces.name;

INSERT INTO operation_types (namespace, name, target_fields, description, created_at, updated_at)
VALUES (%s, %s, %s, %s, %s, %s)
ON DUPLICATE KEY UPDATE target_fields =
VALUES(target_fields), description =
VALUES(description), updated_at =
VALUES(updated_at);

SELECT audiences.audience_key, audiences.namespace_key, namespaces.name, audiences.readers, audiences.owner
FROM audiences
INNER JOIN namespaces ON namespaces.namespace_key = audiences.namespace_key
WHERE audiences.namespace_key = %s AND audiences.digest IN (%s);

SELECT audiences.audience_key, audiences.namespace_key, namespaces.name, audiences.readers, audiences.owner
FROM audiences
INNER JOIN namespaces ON namespaces.namespace_key = audiences.namespace_key
WHERE audiences.namespace_key = %s AND audiences.digest IN (%s);

SELECT namespaces.name, namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (%s);

SELECT namespaces.name, namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (%s);

SELECT operation_types.namespace, operation_types.name, operation_types.target_fields, operation_types.description
FROM operation_types
WHERE operation_types.namespace = %s AND operation_types.name = %s;

SELECT operation_types.namespace, operation_types.name, operation_types.target_fields, operation_types.description
FROM operation_types
WHERE operation_types.namespace = %s AND operation_types.name = %s;


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

SELECT events.id AS id, events.namespace_key, events.content_hash, events.batch_key
FROM events
WHERE events.id IN (wanted_ids)
UNION ALL SELECT deleted_ids.id AS id, deleted_ids.namespace_key, NULL AS anon_1, NULL AS anon__1
FROM deleted_ids
WHERE deleted_ids.id IN (wanted_ids)
UNION ALL SELECT folded_ids.id AS id, folded_ids.namespace_key, folded_ids.content_hash, NULL AS anon_1
FROM folded_ids
WHERE folded_ids.id IN (wanted_ids);

SELECT leases.high_water
FROM leases
WHERE leases.name = %s;

SELECT objects.namespace, objects.object_type, objects.object_id, objects.object_key
FROM objects
WHERE objects.namespace = %s AND objects.object_type = %s AND objects.object_id IN (%s);

SELECT objects.namespace, objects.object_type, objects.object_id, objects.object_key
FROM objects
WHERE objects.namespace = %s AND objects.object_type = %s AND objects.object_id IN (%s);


INSERT INTO audiences (namespace_key, readers, owner, digest)
VALUES (%s, %s, %s, %s)
ON DUPLICATE KEY UPDATE digest = audiences.digest;

INSERT INTO event_count_deltas (audience_key, minute, event_type, severity, success, event_rows, occurrences, arrival_day)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s);

INSERT INTO events (id, namespace_key, audience_key, event_type, category, severity, severity_text, occurred_at, received_at, source, message, extra, duration_ms, success, actor, actor_claim, session_id, request_id, correlation_id, parent_id, trace_id, span_id, parent_span_id, registration_id, record_count, content_hash, batch_key, batch_index)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

INSERT INTO ingest_batches (received_at, event_count)
VALUES (%s, %s);

INSERT INTO namespaces (name)
VALUES (%s)
ON DUPLICATE KEY UPDATE name = namespaces.name;

SELECT CAST(retention_policies.policy_id AS UUID) AS policy_id, retention_policies.name, retention_policies.namespace, retention_policies.event_types, retention_policies.object_types, retention_policies.sources, retention_policies.selectors, retention_policies.max_age_seconds, retention_policies.archive, retention_policies.prune_registrations, retention_policies.compact_repeats, retention_policies.enabled, retention_policies.created_at, retention_policies.updated_at
FROM retention_policies
WHERE retention_policies.policy_id = %s FOR UPDATE;

SELECT CAST(retention_policies.policy_id AS UUID) AS policy_id, retention_policies.name, retention_policies.namespace, retention_policies.event_types, retention_policies.object_types, retention_policies.sources, retention_policies.selectors, retention_policies.max_age_seconds, retention_policies.archive, retention_policies.prune_registrations, retention_policies.compact_repeats, retention_policies.enabled, retention_policies.created_at, retention_policies.updated_at
FROM retention_policies
ORDER BY retention_policies.policy_id;

SELECT CAST(retention_policies.policy_id AS UUID) AS policy_id, retention_policies.name, retention_policies.namespace, retention_policies.event_types, retention_policies.object_types, retention_policies.sources, retention_policies.selectors, retention_policies.max_age_seconds, retention_policies.archive, retention_policies.prune_registrations, retention_policies.compact_repeats, retention_policies.enabled, retention_policies.created_at, retention_policies.updated_at
FROM retention_policies
ORDER BY retention_policies.policy_id;

SELECT audiences.audience_key, audiences.namespace_key, namespaces.name, audiences.readers, audiences.owner
FROM audiences
INNER JOIN namespaces ON namespaces.namespace_key = audiences.namespace_key
WHERE audiences.namespace_key = %s AND audiences.digest IN (%s);

SELECT audiences.audience_key, audiences.namespace_key, namespaces.name, audiences.readers, audiences.owner
FROM audiences
INNER JOIN namespaces ON namespaces.namespace_key = audiences.namespace_key
WHERE audiences.namespace_key = %s AND audiences.digest IN (%s);

SELECT leases.epoch
FROM leases
WHERE leases.name = %s FOR UPDATE;

SELECT namespaces.name, namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (%s);

SELECT namespaces.name, namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (%s);

UPDATE retention_policies SET policy_id=%s, name=%s, namespace=%s, event_types=%s, object_types=%s, sources=%s, selectors=%s, max_age_seconds=%s, archive=%s, prune_registrations=%s, compact_repeats=%s, enabled=%s, created_at=%s, updated_at=%s
WHERE retention_policies.policy_id = %s;


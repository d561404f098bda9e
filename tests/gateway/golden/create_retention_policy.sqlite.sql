BEGIN IMMEDIATE;

BEGIN IMMEDIATE;

BEGIN IMMEDIATE;

INSERT INTO audiences (namespace_key, readers, owner, digest)
VALUES (?, ?, ?, ?)
ON CONFLICT DO NOTHING;

INSERT INTO event_count_deltas (audience_key, minute, event_type, severity, success, event_rows, occurrences, arrival_day)
VALUES (?, ?, ?, ?, ?, ?, ?, ?);

INSERT INTO events (id, namespace_key, audience_key, event_type, category, severity, severity_text, occurred_at, received_at, source, message, extra, duration_ms, success, actor, actor_claim, session_id, request_id, correlation_id, parent_id, trace_id, span_id, parent_span_id, registration_id, record_count, content_hash, batch_key, batch_index)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

INSERT INTO ingest_batches (received_at, event_count, position)
VALUES (?, ?, ?);

INSERT INTO leases (name, owner, epoch, expires_at, high_water)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET high_water = (leases.high_water + excluded.high_water) RETURNING high_water;

INSERT INTO namespaces (name)
VALUES (?)
ON CONFLICT DO NOTHING;

INSERT INTO retention_policies (policy_id, name, namespace, event_types, object_types, sources, selectors, max_age_seconds, archive, prune_registrations, compact_repeats, enabled, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

SELECT CASE WHEN retention_policies.policy_id IS NULL THEN NULL ELSE substr(lower(hex(retention_policies.policy_id)), 1, 8) || '-' || substr(lower(hex(retention_policies.policy_id)), 9, 4) || '-' || substr(lower(hex(retention_policies.policy_id)), 13, 4) || '-' || substr(lower(hex(retention_policies.policy_id)), 17, 4) || '-' || substr(lower(hex(retention_policies.policy_id)), 21, 12) END AS policy_id, retention_policies.name, retention_policies.namespace, retention_policies.event_types, retention_policies.object_types, retention_policies.sources, retention_policies.selectors, retention_policies.max_age_seconds, retention_policies.archive, retention_policies.prune_registrations, retention_policies.compact_repeats, retention_policies.enabled, retention_policies.created_at, retention_policies.updated_at
FROM retention_policies
WHERE retention_policies.policy_id = ?;

SELECT audiences.audience_key, audiences.namespace_key, namespaces.name, audiences.readers, audiences.owner
FROM audiences
JOIN namespaces ON namespaces.namespace_key = audiences.namespace_key
WHERE audiences.namespace_key = ? AND audiences.digest IN (?);

SELECT audiences.audience_key, audiences.namespace_key, namespaces.name, audiences.readers, audiences.owner
FROM audiences
JOIN namespaces ON namespaces.namespace_key = audiences.namespace_key
WHERE audiences.namespace_key = ? AND audiences.digest IN (?);

SELECT leases.epoch
FROM leases
WHERE leases.name = ?;

SELECT namespaces.name, namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (?);

SELECT namespaces.name, namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (?);


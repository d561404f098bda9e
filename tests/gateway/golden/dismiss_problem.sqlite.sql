BEGIN IMMEDIATE;

INSERT INTO event_count_deltas (audience_key, minute, event_type, severity, success, event_rows, occurrences, arrival_day)
VALUES (?, ?, ?, ?, ?, ?, ?, ?);

INSERT INTO event_objects (object_key, audience_key, occurred_at, event_id, namespace_key, object_type, event_type, severity, role, success)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

INSERT INTO events (id, namespace_key, audience_key, event_type, category, severity, severity_text, occurred_at, received_at, source, message, extra, duration_ms, success, actor, actor_claim, session_id, request_id, correlation_id, parent_id, trace_id, span_id, parent_span_id, registration_id, record_count, content_hash, batch_key, batch_index)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

INSERT INTO ingest_batches (received_at, event_count, position)
VALUES (?, ?, ?);

INSERT INTO leases (name, owner, epoch, expires_at, high_water)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET high_water = (leases.high_water + excluded.high_water) RETURNING high_water;

INSERT INTO problem_dismissals (object_key, occurred_at, event_id, namespace_key, dismissed_by, dismissed_at, dismissed_until, reason)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (object_key, occurred_at, event_id, namespace_key) DO UPDATE SET dismissed_by = excluded.dismissed_by, dismissed_at = excluded.dismissed_at, dismissed_until = excluded.dismissed_until, reason = excluded.reason;

SELECT event_objects.object_key, event_objects.occurred_at, CASE WHEN event_objects.event_id IS NULL THEN NULL ELSE substr(lower(hex(event_objects.event_id)), 1, 8) || '-' || substr(lower(hex(event_objects.event_id)), 9, 4) || '-' || substr(lower(hex(event_objects.event_id)), 13, 4) || '-' || substr(lower(hex(event_objects.event_id)), 17, 4) || '-' || substr(lower(hex(event_objects.event_id)), 21, 12) END AS event_id, event_objects.namespace_key, event_objects.audience_key, event_objects.severity, event_objects.success
FROM namespaces
JOIN event_objects ON event_objects.namespace_key = namespaces.namespace_key
JOIN objects ON objects.object_key = event_objects.object_key
WHERE namespaces.name = ? AND event_objects.event_id = ? AND objects.namespace = ? AND objects.object_type = ? AND objects.object_id = ?;

SELECT events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at, events.event_type, events.message, events.extra, events.actor
FROM (SELECT place.occurred_at AS occurred_at, place.event_id AS id, place.namespace_key AS namespace_key
FROM event_objects AS place
WHERE place.object_key = ? AND place.audience_key = ?
ORDER BY place.occurred_at DESC, id DESC
LIMIT ? OFFSET ?) AS page
JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at DESC, page.id DESC;

SELECT objects.namespace, objects.object_type, objects.object_id, namespaces.name, problem.object_key, problem.last_error, problem.last_success, problem.earlier, closing.dismissed_by, closing.dismissed_until
FROM (SELECT ends.object_key AS object_key, ends.last_error AS last_error, ends.last_success AS last_success, (SELECT printf('%018d%s%010d', last_dismissal.occurred_at, hex(last_dismissal.event_id), last_dismissal.namespace_key) AS anon_1
FROM problem_dismissals AS last_dismissal
WHERE last_dismissal.object_key = ends.object_key AND (last_dismissal.dismissed_until IS NULL OR last_dismissal.dismissed_until > ?) AND (EXISTS (SELECT dismissed.object_key
FROM event_objects AS dismissed
WHERE dismissed.event_id = last_dismissal.event_id AND dismissed.namespace_key = last_dismissal.namespace_key AND dismissed.object_key = last_dismissal.object_key))
ORDER BY last_dismissal.occurred_at DESC, last_dismissal.event_id DESC, last_dismissal.namespace_key DESC
LIMIT ? OFFSET ?) AS dismissal, (SELECT printf('%018d%s%010d', earlier_dismissal.occurred_at, hex(earlier_dismissal.event_id), earlier_dismissal.namespace_key) AS anon_2
FROM problem_dismissals AS earlier_dismissal
WHERE earlier_dismissal.object_key = ends.object_key AND (earlier_dismissal.dismissed_until IS NULL OR earlier_dismissal.dismissed_until > ?) AND (EXISTS (SELECT dismissed_earlier.object_key
FROM event_objects AS dismissed_earlier
WHERE dismissed_earlier.event_id = earlier_dismissal.event_id AND dismissed_earlier.namespace_key = earlier_dismissal.namespace_key AND dismissed_earlier.object_key = earlier_dismissal.object_key)) AND printf('%018d%s%010d', earlier_dismissal.occurred_at, hex(earlier_dismissal.event_id), earlier_dismissal.namespace_key) < ends.last_error
ORDER BY earlier_dismissal.occurred_at DESC, earlier_dismissal.event_id DESC, earlier_dismissal.namespace_key DESC
LIMIT ? OFFSET ?) AS earlier
FROM (SELECT pair.object_key AS object_key, max(pair.error) AS last_error, max(pair.success) AS last_success
FROM (SELECT object_audiences.object_key AS object_key, object_audiences.audience_key AS audience_key, max(coalesce((SELECT printf('%018d%s%010d', last_severity_3.occurred_at, hex(last_severity_3.event_id), last_severity_3.namespace_key) AS anon_3
FROM event_objects AS last_severity_3
WHERE last_severity_3.object_key = object_audiences.object_key AND last_severity_3.audience_key = object_audiences.audience_key AND last_severity_3.severity = ?
ORDER BY last_severity_3.occurred_at DESC, last_severity_3.event_id DESC, last_severity_3.namespace_key DESC
LIMIT ? OFFSET ?), ''), coalesce((SELECT printf('%018d%s%010d', last_severity_4.occurred_at, hex(last_severity_4.event_id), last_severity_4.namespace_key) AS anon_4
FROM event_objects AS last_severity_4
WHERE last_severity_4.object_key = object_audiences.object_key AND last_severity_4.audience_key = object_audiences.audience_key AND last_severity_4.severity = ?
ORDER BY last_severity_4.occurred_at DESC, last_severity_4.event_id DESC, last_severity_4.namespace_key DESC
LIMIT ? OFFSET ?), ''), coalesce((SELECT printf('%018d%s%010d', last_severity_5.occurred_at, hex(last_severity_5.event_id), last_severity_5.namespace_key) AS anon_5
FROM event_objects AS last_severity_5
WHERE last_severity_5.object_key = object_audiences.object_key AND last_severity_5.audience_key = object_audiences.audience_key AND last_severity_5.severity = ?
ORDER BY last_severity_5.occurred_at DESC, last_severity_5.event_id DESC, last_severity_5.namespace_key DESC
LIMIT ? OFFSET ?), '')) AS error, coalesce((SELECT printf('%018d%s%010d', last_success_1.occurred_at, hex(last_success_1.event_id), last_success_1.namespace_key) AS anon_6
FROM event_objects AS last_success_1
WHERE last_success_1.object_key = object_audiences.object_key AND last_success_1.audience_key = object_audiences.audience_key AND last_success_1.success = ?
ORDER BY last_success_1.occurred_at DESC, last_success_1.event_id DESC, last_success_1.namespace_key DESC
LIMIT ? OFFSET ?), '') AS success
FROM objects
JOIN object_audiences ON object_audiences.object_key = objects.object_key
WHERE objects.namespace = ? AND objects.object_type = ? AND objects.object_id = ?) AS pair
GROUP BY pair.object_key HAVING max(pair.error) > max(pair.success)) AS ends) AS problem
JOIN objects ON objects.object_key = problem.object_key
JOIN namespaces ON namespaces.namespace_key = CAST(substr(problem.last_error, ?, ?) AS BIGINT) LEFT OUTER
JOIN problem_dismissals AS closing ON closing.object_key = problem.object_key AND printf('%018d%s%010d', closing.occurred_at, hex(closing.event_id), closing.namespace_key) = problem.dismissal AND problem.dismissal >= problem.last_error
ORDER BY substr(problem.last_error, ?, ?) DESC, namespaces.name DESC, objects.namespace ASC, objects.object_type ASC, objects.object_id ASC
LIMIT ? OFFSET ?;

SELECT objects.object_key, object_audiences.audience_key
FROM objects
JOIN object_audiences ON object_audiences.object_key = objects.object_key
WHERE objects.object_type = ? AND objects.object_id = ? AND objects.namespace = ?
ORDER BY objects.object_key, object_audiences.audience_key;


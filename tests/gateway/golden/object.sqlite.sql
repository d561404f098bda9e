SELECT events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.event_type, events.category, events.severity, events.severity_text, events.occurred_at, events.received_at, events.source, events.message, NULL AS extra, events.duration_ms, events.success, events.actor, events.actor_claim, events.session_id, events.request_id, events.correlation_id, CASE WHEN events.parent_id IS NULL THEN NULL ELSE substr(lower(hex(events.parent_id)), 1, 8) || '-' || substr(lower(hex(events.parent_id)), 9, 4) || '-' || substr(lower(hex(events.parent_id)), 13, 4) || '-' || substr(lower(hex(events.parent_id)), 17, 4) || '-' || substr(lower(hex(events.parent_id)), 21, 12) END AS parent_id, events.trace_id, events.span_id, events.parent_span_id, CASE WHEN events.registration_id IS NULL THEN NULL ELSE substr(lower(hex(events.registration_id)), 1, 8) || '-' || substr(lower(hex(events.registration_id)), 9, 4) || '-' || substr(lower(hex(events.registration_id)), 13, 4) || '-' || substr(lower(hex(events.registration_id)), 17, 4) || '-' || substr(lower(hex(events.registration_id)), 21, 12) END AS registration_id, events.record_count, events.repeat_count, events.last_occurred_at, events.restored
FROM (SELECT place.occurred_at AS occurred_at, place.event_id AS id, place.namespace_key AS namespace_key
FROM event_objects AS place
WHERE place.object_key = ? AND place.audience_key = ?
ORDER BY place.occurred_at DESC, id DESC
LIMIT ? OFFSET ?) AS page
JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at DESC, page.id DESC;

SELECT objects.namespace, objects.object_type, objects.object_id, (SELECT reference.occurred_at
FROM event_objects AS reference
WHERE reference.object_key = object_audiences.object_key AND reference.audience_key = object_audiences.audience_key
ORDER BY reference.occurred_at
LIMIT ? OFFSET ?) AS first_at, (SELECT reference.occurred_at
FROM event_objects AS reference
WHERE reference.object_key = object_audiences.object_key AND reference.audience_key = object_audiences.audience_key
ORDER BY reference.occurred_at DESC
LIMIT ? OFFSET ?) AS last_at
FROM objects
JOIN object_audiences ON object_audiences.object_key = objects.object_key
WHERE objects.namespace = ? AND objects.object_type = ? AND objects.object_id = ?;

SELECT objects.object_key, object_audiences.audience_key
FROM objects
JOIN object_audiences ON object_audiences.object_key = objects.object_key
WHERE objects.object_type = ? AND objects.object_id = ? AND objects.namespace = ?
ORDER BY objects.object_key, object_audiences.audience_key;


SELECT CASE WHEN event_objects.event_id IS NULL THEN NULL ELSE substr(lower(hex(event_objects.event_id)), 1, 8) || '-' || substr(lower(hex(event_objects.event_id)), 9, 4) || '-' || substr(lower(hex(event_objects.event_id)), 13, 4) || '-' || substr(lower(hex(event_objects.event_id)), 17, 4) || '-' || substr(lower(hex(event_objects.event_id)), 21, 12) END AS event_id, event_objects.namespace_key, event_objects.role, objects.namespace, objects.object_type, objects.object_id
FROM event_objects
JOIN objects ON objects.object_key = event_objects.object_key
WHERE event_objects.event_id IN (?, ?);

SELECT ends.occurred_at, CASE WHEN ends.id IS NULL THEN NULL ELSE substr(lower(hex(ends.id)), 1, 8) || '-' || substr(lower(hex(ends.id)), 9, 4) || '-' || substr(lower(hex(ends.id)), 13, 4) || '-' || substr(lower(hex(ends.id)), 17, 4) || '-' || substr(lower(hex(ends.id)), 21, 12) END AS id, ends.namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.trace_id = ?
ORDER BY events.occurred_at ASC, id ASC
LIMIT ? OFFSET ?) AS ends
ORDER BY ends.occurred_at ASC, ends.id ASC
LIMIT ? OFFSET ?;

SELECT events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at, events.event_type, events.severity, events.duration_ms, events.success, CASE WHEN events.parent_id IS NULL THEN NULL ELSE substr(lower(hex(events.parent_id)), 1, 8) || '-' || substr(lower(hex(events.parent_id)), 9, 4) || '-' || substr(lower(hex(events.parent_id)), 13, 4) || '-' || substr(lower(hex(events.parent_id)), 17, 4) || '-' || substr(lower(hex(events.parent_id)), 21, 12) END AS parent_id, events.span_id
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.trace_id = ? AND events.namespace_key IN (SELECT namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (?))
ORDER BY events.occurred_at ASC, id ASC
LIMIT ? OFFSET ?) AS page
JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at ASC, page.id ASC;


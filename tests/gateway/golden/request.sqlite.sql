SELECT DISTINCT objects.namespace, objects.object_type, objects.object_id
FROM events
JOIN event_objects ON event_objects.event_id = events.id AND event_objects.namespace_key = events.namespace_key
JOIN objects ON objects.object_key = event_objects.object_key
WHERE events.request_id = ? AND 1 = 1
ORDER BY objects.namespace, objects.object_type, objects.object_id
LIMIT ? OFFSET ?;

SELECT ends.occurred_at, CASE WHEN ends.id IS NULL THEN NULL ELSE substr(lower(hex(ends.id)), 1, 8) || '-' || substr(lower(hex(ends.id)), 9, 4) || '-' || substr(lower(hex(ends.id)), 13, 4) || '-' || substr(lower(hex(ends.id)), 17, 4) || '-' || substr(lower(hex(ends.id)), 21, 12) END AS id, ends.namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.request_id = ?
ORDER BY events.occurred_at ASC, id ASC
LIMIT ? OFFSET ?) AS ends
ORDER BY ends.occurred_at ASC, ends.id ASC
LIMIT ? OFFSET ?;

SELECT ends.occurred_at, CASE WHEN ends.id IS NULL THEN NULL ELSE substr(lower(hex(ends.id)), 1, 8) || '-' || substr(lower(hex(ends.id)), 9, 4) || '-' || substr(lower(hex(ends.id)), 13, 4) || '-' || substr(lower(hex(ends.id)), 17, 4) || '-' || substr(lower(hex(ends.id)), 21, 12) END AS id, ends.namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.request_id = ?
ORDER BY events.occurred_at ASC, id ASC
LIMIT ? OFFSET ?) AS ends
ORDER BY ends.occurred_at ASC, ends.id ASC
LIMIT ? OFFSET ?;

SELECT ends.occurred_at, CASE WHEN ends.id IS NULL THEN NULL ELSE substr(lower(hex(ends.id)), 1, 8) || '-' || substr(lower(hex(ends.id)), 9, 4) || '-' || substr(lower(hex(ends.id)), 13, 4) || '-' || substr(lower(hex(ends.id)), 17, 4) || '-' || substr(lower(hex(ends.id)), 21, 12) END AS id, ends.namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.request_id = ?
ORDER BY events.occurred_at ASC, id ASC
LIMIT ? OFFSET ?) AS ends
ORDER BY ends.occurred_at ASC, ends.id ASC
LIMIT ? OFFSET ?;

SELECT events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at, events.event_type
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.request_id = ?
ORDER BY events.occurred_at ASC, id ASC
LIMIT ? OFFSET ?) AS page
JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at ASC, page.id ASC;

SELECT events.namespace_key, count(*) AS event_count, min(events.occurred_at) AS started_at, max((events.occurred_at - ?) / (? + 0.0) + coalesce(events.duration_ms, ?)) AS end_ms, max(events.severity) AS worst_severity
FROM events
WHERE events.request_id = ? AND 1 = 1
GROUP BY events.namespace_key;


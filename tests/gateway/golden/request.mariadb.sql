SELECT DISTINCT objects.namespace, objects.object_type, objects.object_id
FROM events FORCE INDEX (ix_events_request)
INNER JOIN event_objects ON event_objects.event_id = events.id AND event_objects.namespace_key = events.namespace_key
INNER JOIN objects ON objects.object_key = event_objects.object_key
WHERE events.request_id = %s AND true = 1
ORDER BY objects.namespace, objects.object_type, objects.object_id
LIMIT %s;

SELECT STRAIGHT_JOIN events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at, events.event_type
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_request)
WHERE events.request_id = %s
ORDER BY events.occurred_at ASC, id ASC
LIMIT %s) AS page
INNER JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at ASC, page.id ASC;

SELECT ends.occurred_at, CAST(ends.id AS UUID) AS id, ends.namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_request)
WHERE events.request_id = %s
ORDER BY events.occurred_at ASC, id ASC
LIMIT %s, %s) AS ends
ORDER BY ends.occurred_at ASC, ends.id ASC
LIMIT %s;

SELECT ends.occurred_at, CAST(ends.id AS UUID) AS id, ends.namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_request)
WHERE events.request_id = %s
ORDER BY events.occurred_at ASC, id ASC
LIMIT %s, %s) AS ends
ORDER BY ends.occurred_at ASC, ends.id ASC
LIMIT %s;

SELECT ends.occurred_at, CAST(ends.id AS UUID) AS id, ends.namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_request)
WHERE events.request_id = %s
ORDER BY events.occurred_at ASC, id ASC
LIMIT %s, %s) AS ends
ORDER BY ends.occurred_at ASC, ends.id ASC
LIMIT %s;

SELECT events.namespace_key, count(*) AS event_count, min(events.occurred_at) AS started_at, max((events.occurred_at - %s) / %s + coalesce(events.duration_ms, %s)) AS end_ms, max(events.severity) AS worst_severity
FROM events FORCE INDEX (ix_events_request)
WHERE events.request_id = %s AND true = 1
GROUP BY events.namespace_key;


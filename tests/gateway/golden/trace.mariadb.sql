SELECT CAST(event_objects.event_id AS UUID) AS event_id, event_objects.namespace_key, event_objects.role, objects.namespace, objects.object_type, objects.object_id
FROM event_objects
INNER JOIN objects ON objects.object_key = event_objects.object_key
WHERE event_objects.event_id IN (%s, %s);

SELECT STRAIGHT_JOIN events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at, events.event_type, events.severity, events.duration_ms, events.success, CAST(events.parent_id AS UUID) AS parent_id, events.span_id
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_trace)
WHERE events.trace_id = %s AND events.namespace_key IN (SELECT namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (%s))
ORDER BY events.occurred_at ASC, id ASC
LIMIT %s) AS page
INNER JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at ASC, page.id ASC;

SELECT ends.occurred_at, CAST(ends.id AS UUID) AS id, ends.namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_trace)
WHERE events.trace_id = %s
ORDER BY events.occurred_at ASC, id ASC
LIMIT %s, %s) AS ends
ORDER BY ends.occurred_at ASC, ends.id ASC
LIMIT %s;


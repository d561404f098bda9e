SELECT STRAIGHT_JOIN events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at, events.event_type, events.severity, events.duration_ms, events.success, events.actor, CAST(events.parent_id AS UUID) AS parent_id
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_correlation)
WHERE events.correlation_id = %s
ORDER BY events.occurred_at ASC, id ASC
LIMIT %s) AS page
INNER JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at ASC, page.id ASC;


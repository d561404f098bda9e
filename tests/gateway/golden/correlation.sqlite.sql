SELECT events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at, events.event_type, events.severity, events.duration_ms, events.success, events.actor, CASE WHEN events.parent_id IS NULL THEN NULL ELSE substr(lower(hex(events.parent_id)), 1, 8) || '-' || substr(lower(hex(events.parent_id)), 9, 4) || '-' || substr(lower(hex(events.parent_id)), 13, 4) || '-' || substr(lower(hex(events.parent_id)), 17, 4) || '-' || substr(lower(hex(events.parent_id)), 21, 12) END AS parent_id
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.correlation_id = ?
ORDER BY events.occurred_at ASC, id ASC
LIMIT ? OFFSET ?) AS page
JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at ASC, page.id ASC;


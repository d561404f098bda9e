SELECT events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at, events.event_type, events.extra
FROM events
WHERE events.id IN (%s);


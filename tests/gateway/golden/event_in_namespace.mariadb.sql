SELECT events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at, events.message
FROM events
WHERE events.id IN (%s);


SELECT events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at, events.message, CAST(events.registration_id AS UUID) AS registration_id
FROM events
WHERE events.id IN (%s);


SELECT (SELECT leases.high_water
FROM leases
WHERE leases.name = ?) AS anon_1, (SELECT min(ingest_batches.position) AS min_1
FROM ingest_batches) AS anon_2;

SELECT ends.occurred_at, CASE WHEN ends.id IS NULL THEN NULL ELSE substr(lower(hex(ends.id)), 1, 8) || '-' || substr(lower(hex(ends.id)), 9, 4) || '-' || substr(lower(hex(ends.id)), 13, 4) || '-' || substr(lower(hex(ends.id)), 17, 4) || '-' || substr(lower(hex(ends.id)), 21, 12) END AS id, ends.namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.request_id = ?
ORDER BY events.occurred_at ASC, id ASC
LIMIT ? OFFSET ?) AS ends
ORDER BY ends.occurred_at ASC, ends.id ASC
LIMIT ? OFFSET ?;

SELECT events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at, events.event_type, events.severity, events.severity_text, events.extra, events.duration_ms, events.success
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.request_id = ? AND events.severity IN (?, ?, ?, ?) AND timeloom_json_matches(events.extra, ?, ?, ?) = ? AND (events.success IN (?)) IS NOT 1 AND NOT (EXISTS (SELECT *
FROM ingest_batches
WHERE ingest_batches.batch_key = events.batch_key AND (ingest_batches.position IS NULL OR ingest_batches.position > ?)))
ORDER BY events.occurred_at ASC, id ASC
LIMIT ? OFFSET ?) AS page
JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at ASC, page.id ASC;


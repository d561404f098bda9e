SELECT (SELECT leases.high_water
FROM leases
WHERE leases.name = %s) AS anon_1, (SELECT min(ingest_batches.`position`) AS min_1
FROM ingest_batches) AS anon_2;

SELECT STRAIGHT_JOIN events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at, events.event_type, events.severity, events.severity_text, events.extra, events.duration_ms, events.success
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_request)
WHERE events.request_id = %s AND events.severity IN (%s, %s, %s, %s) AND json_type(json_extract(events.extra, %s)) = %s AND (json_unquote(json_extract(events.extra, %s)) COLLATE utf8mb4_nopad_bin) IN (%s) AND (events.success IN (%s)) IS NOT true AND NOT (EXISTS (SELECT *
FROM ingest_batches
WHERE ingest_batches.batch_key = events.batch_key AND (ingest_batches.`position` IS NULL OR ingest_batches.`position` > %s)))
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


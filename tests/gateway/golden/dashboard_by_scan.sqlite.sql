SELECT ends.occurred_at, CASE WHEN ends.id IS NULL THEN NULL ELSE substr(lower(hex(ends.id)), 1, 8) || '-' || substr(lower(hex(ends.id)), 9, 4) || '-' || substr(lower(hex(ends.id)), 13, 4) || '-' || substr(lower(hex(ends.id)), 17, 4) || '-' || substr(lower(hex(ends.id)), 21, 12) END AS id, ends.namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.occurred_at >= ? AND events.occurred_at < ?
ORDER BY events.occurred_at DESC, id DESC
LIMIT ? OFFSET ?) AS ends
ORDER BY ends.occurred_at DESC, ends.id DESC
LIMIT ? OFFSET ?;

SELECT sum(scanned.repeat_count) AS number, CASE WHEN (CASE WHEN (scanned.occurred_at >= ? AND scanned.occurred_at < ?) THEN ? ELSE ? END = ?) THEN ((scanned.occurred_at - ?) / ?) END AS bucket_0, scanned.severity AS value_0, CASE WHEN (scanned.occurred_at >= ? AND scanned.occurred_at < ?) THEN ? ELSE ? END AS inside_0, ? AS bucket_1, scanned.source AS value_1, CASE WHEN (scanned.occurred_at >= ? AND scanned.occurred_at < ?) THEN ? ELSE ? END AS inside_1, ? AS bucket_2, scanned.actor AS value_2, CASE WHEN (scanned.occurred_at >= ? AND scanned.occurred_at < ?) THEN ? ELSE ? END AS inside_2
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key, events.repeat_count AS repeat_count, events.severity AS severity, events.source AS source, events.actor AS actor
FROM events
WHERE events.occurred_at >= ? AND events.occurred_at < ? AND events.category IN (?)) AS scanned
GROUP BY bucket_0, value_0, inside_0, bucket_1, value_1, inside_1, bucket_2, value_2, inside_2
LIMIT ? OFFSET ?;


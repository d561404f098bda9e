SELECT ends.occurred_at, CASE WHEN ends.id IS NULL THEN NULL ELSE substr(lower(hex(ends.id)), 1, 8) || '-' || substr(lower(hex(ends.id)), 9, 4) || '-' || substr(lower(hex(ends.id)), 13, 4) || '-' || substr(lower(hex(ends.id)), 17, 4) || '-' || substr(lower(hex(ends.id)), 21, 12) END AS id, ends.namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.namespace_key = ? AND events.occurred_at >= ? AND events.occurred_at < ?
ORDER BY events.occurred_at DESC, id DESC
LIMIT ? OFFSET ?) AS ends
ORDER BY ends.occurred_at DESC, ends.id DESC
LIMIT ? OFFSET ?;

SELECT groups.value, groups.number, sum(groups.number) OVER () AS everything
FROM (SELECT scanned.category AS value, sum(scanned.repeat_count) AS number
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key, events.repeat_count AS repeat_count, events.record_count AS record_count, events.duration_ms AS duration_ms, events.category AS category
FROM events
WHERE events.namespace_key = ? AND events.occurred_at >= ? AND events.occurred_at < ?) AS scanned
GROUP BY scanned.category) AS groups
ORDER BY groups.number DESC, groups.value IS NULL, groups.value
LIMIT ? OFFSET ?;

SELECT namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (?)
ORDER BY namespaces.namespace_key
LIMIT ? OFFSET ?;

SELECT ranked.bucket, ranked.value, ranked.is_other, sum(ranked.repeat_count) AS number, sum(ranked.record_count * ? * ranked.repeat_count) AS records, min(CASE WHEN (ranked.timed > ? AND ranked.below * ? >= ranked.durations * ?) THEN ranked.duration_ms END) AS p50_ms, min(CASE WHEN (ranked.timed > ? AND ranked.below * ? >= ranked.durations * ?) THEN ranked.duration_ms END) AS p95_ms, max(ranked.duration_ms) AS max_ms
FROM (SELECT keyed.bucket AS bucket, keyed.value AS value, keyed.is_other AS is_other, keyed.repeat_count AS repeat_count, keyed.record_count AS record_count, keyed.duration_ms AS duration_ms, keyed.timed AS timed, sum(keyed.timed) OVER (PARTITION BY keyed.bucket, keyed.value, keyed.is_other
ORDER BY keyed.duration_ms) AS below, sum(keyed.timed) OVER (PARTITION BY keyed.bucket, keyed.value, keyed.is_other) AS durations
FROM (SELECT ((scanned.occurred_at - ?) / ?) AS bucket, CASE WHEN (scanned.category IN (?) OR scanned.category IS NULL) THEN scanned.category END AS value, CASE WHEN (scanned.category IN (?) OR scanned.category IS NULL) THEN ? ELSE ? END AS is_other, scanned.repeat_count AS repeat_count, scanned.record_count AS record_count, scanned.duration_ms AS duration_ms, CASE WHEN (scanned.duration_ms IS NOT NULL) THEN scanned.repeat_count ELSE ? END AS timed
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key, events.repeat_count AS repeat_count, events.record_count AS record_count, events.duration_ms AS duration_ms, events.category AS category
FROM events
WHERE events.namespace_key = ? AND events.occurred_at >= ? AND events.occurred_at < ?) AS scanned) AS keyed) AS ranked
GROUP BY ranked.bucket, ranked.value, ranked.is_other;


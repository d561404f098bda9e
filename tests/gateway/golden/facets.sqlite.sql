SELECT audiences.audience_key
FROM audiences
WHERE 1 = 1
ORDER BY audiences.audience_key
LIMIT ? OFFSET ?;

SELECT ends.occurred_at, CASE WHEN ends.id IS NULL THEN NULL ELSE substr(lower(hex(ends.id)), 1, 8) || '-' || substr(lower(hex(ends.id)), 9, 4) || '-' || substr(lower(hex(ends.id)), 13, 4) || '-' || substr(lower(hex(ends.id)), 17, 4) || '-' || substr(lower(hex(ends.id)), 21, 12) END AS id, ends.namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
ORDER BY events.occurred_at DESC, id DESC
LIMIT ? OFFSET ?) AS ends
ORDER BY ends.occurred_at DESC, ends.id DESC
LIMIT ? OFFSET ?;

SELECT ends.occurred_at, CASE WHEN ends.id IS NULL THEN NULL ELSE substr(lower(hex(ends.id)), 1, 8) || '-' || substr(lower(hex(ends.id)), 9, 4) || '-' || substr(lower(hex(ends.id)), 13, 4) || '-' || substr(lower(hex(ends.id)), 17, 4) || '-' || substr(lower(hex(ends.id)), 21, 12) END AS id, ends.namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
ORDER BY events.occurred_at DESC, id DESC
LIMIT ? OFFSET ?) AS ends
ORDER BY ends.occurred_at DESC, ends.id DESC
LIMIT ? OFFSET ?;

SELECT groups.value, groups.number, sum(groups.number) OVER () AS everything
FROM (SELECT scanned.category AS value, sum(scanned.repeat_count) AS number
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key, events.repeat_count AS repeat_count, events.category AS category
FROM events) AS scanned
GROUP BY scanned.category) AS groups
ORDER BY groups.number DESC, groups.value IS NULL, groups.value
LIMIT ? OFFSET ?;

SELECT groups.value, groups.number, sum(groups.number) OVER () AS everything
FROM (SELECT touched.object_type AS value, sum(touched.repeat_count) AS number
FROM (SELECT DISTINCT scanned.occurred_at AS occurred_at, scanned.id AS id, scanned.namespace_key AS namespace_key, scanned.repeat_count AS repeat_count, event_objects.object_type AS object_type
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key, events.repeat_count AS repeat_count
FROM events) AS scanned LEFT OUTER
JOIN event_objects ON event_objects.event_id = scanned.id AND event_objects.namespace_key = scanned.namespace_key) AS touched
GROUP BY touched.object_type) AS groups
ORDER BY groups.number DESC, groups.value IS NULL, groups.value
LIMIT ? OFFSET ?;

SELECT min(?) AS bucket, event_day_counts.event_type, nullif(event_day_counts.success, ?) AS nullif_1, sum(event_day_counts.occurrences) AS number
FROM event_day_counts
WHERE event_day_counts.audience_key IN (?, ?, ?) AND 1 = 1
GROUP BY event_day_counts.event_type, nullif(event_day_counts.success, ?)
UNION ALL SELECT min(?) AS bucket, event_count_deltas.event_type, nullif(event_count_deltas.success, ?) AS nullif_3, sum(event_count_deltas.occurrences) AS number
FROM event_count_deltas
WHERE event_count_deltas.audience_key IN (?, ?, ?) AND 1 = 1
GROUP BY event_count_deltas.event_type, nullif(event_count_deltas.success, ?);


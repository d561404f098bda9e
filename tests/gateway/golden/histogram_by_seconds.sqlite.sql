SELECT ((scanned.occurred_at - ?) / ?) AS bucket, scanned.source AS value, ? AS is_other, sum(scanned.repeat_count) AS number
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key, events.repeat_count AS repeat_count, events.source AS source
FROM events
WHERE events.namespace_key = ? AND events.occurred_at >= ? AND events.occurred_at < ?) AS scanned
GROUP BY bucket, value
LIMIT ? OFFSET ?;

SELECT ends.occurred_at, CASE WHEN ends.id IS NULL THEN NULL ELSE substr(lower(hex(ends.id)), 1, 8) || '-' || substr(lower(hex(ends.id)), 9, 4) || '-' || substr(lower(hex(ends.id)), 13, 4) || '-' || substr(lower(hex(ends.id)), 17, 4) || '-' || substr(lower(hex(ends.id)), 21, 12) END AS id, ends.namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.namespace_key = ? AND events.occurred_at >= ? AND events.occurred_at < ?
ORDER BY events.occurred_at DESC, id DESC
LIMIT ? OFFSET ?) AS ends
ORDER BY ends.occurred_at DESC, ends.id DESC
LIMIT ? OFFSET ?;

SELECT namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (?)
ORDER BY namespaces.namespace_key
LIMIT ? OFFSET ?;


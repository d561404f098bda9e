SELECT ((scanned.occurred_at - %s) DIV %s) AS bucket, scanned.source AS value, %s AS is_other, sum(scanned.repeat_count) AS number
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key, events.repeat_count AS repeat_count, events.source AS source
FROM events FORCE INDEX (ix_events_namespace)
WHERE events.namespace_key = %s AND events.occurred_at >= %s AND events.occurred_at < %s) AS scanned
GROUP BY bucket, value
LIMIT %s;

SELECT ends.occurred_at, CAST(ends.id AS UUID) AS id, ends.namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_namespace)
WHERE events.namespace_key = %s AND events.occurred_at >= %s AND events.occurred_at < %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s, %s) AS ends
ORDER BY ends.occurred_at DESC, ends.id DESC
LIMIT %s;

SELECT namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (%s)
ORDER BY namespaces.namespace_key
LIMIT %s;


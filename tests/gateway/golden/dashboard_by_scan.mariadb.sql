SELECT ends.occurred_at, CAST(ends.id AS UUID) AS id, ends.namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_time)
WHERE events.occurred_at >= %s AND events.occurred_at < %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s, %s) AS ends
ORDER BY ends.occurred_at DESC, ends.id DESC
LIMIT %s;

SELECT sum(scanned.repeat_count) AS number, CASE WHEN (CASE WHEN (scanned.occurred_at >= %s AND scanned.occurred_at < %s) THEN %s ELSE %s END = %s) THEN ((scanned.occurred_at - %s) DIV %s) END AS bucket_0, scanned.severity AS value_0, CASE WHEN (scanned.occurred_at >= %s AND scanned.occurred_at < %s) THEN %s ELSE %s END AS inside_0, %s AS bucket_1, scanned.source AS value_1, CASE WHEN (scanned.occurred_at >= %s AND scanned.occurred_at < %s) THEN %s ELSE %s END AS inside_1, %s AS bucket_2, scanned.actor AS value_2, CASE WHEN (scanned.occurred_at >= %s AND scanned.occurred_at < %s) THEN %s ELSE %s END AS inside_2
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key, events.repeat_count AS repeat_count, events.severity AS severity, events.source AS source, events.actor AS actor
FROM events FORCE INDEX (ix_events_time)
WHERE events.occurred_at >= %s AND events.occurred_at < %s AND events.category IN (%s)) AS scanned
GROUP BY bucket_0, value_0, inside_0, bucket_1, value_1, inside_1, bucket_2, value_2, inside_2
LIMIT %s;


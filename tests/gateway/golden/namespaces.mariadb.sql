SELECT %s AS anon_1, min(events.occurred_at) AS min_1
FROM events
WHERE events.namespace_key = %s
UNION ALL SELECT %s AS anon_2, min(events.occurred_at) AS min_2
FROM events
WHERE events.namespace_key = %s;

SELECT audiences.namespace_key, namespaces.name, sum(parts.event_rows) AS sum_1, sum(parts.arrived_today) AS sum_2
FROM (SELECT audience_counts.audience_key AS audience_key, audience_counts.event_rows AS event_rows, %s AS arrived_today
FROM audience_counts
UNION ALL SELECT ingest_counts.audience_key AS audience_key, %s AS anon_1, ingest_counts.event_rows AS event_rows
FROM ingest_counts
WHERE ingest_counts.arrival_day = %s
UNION ALL SELECT event_count_deltas.audience_key AS audience_key, event_count_deltas.event_rows AS event_rows, CASE WHEN (event_count_deltas.arrival_day = %s) THEN event_count_deltas.event_rows ELSE %s END AS anon_2
FROM event_count_deltas) AS parts
INNER JOIN audiences ON audiences.audience_key = parts.audience_key
INNER JOIN namespaces ON namespaces.namespace_key = audiences.namespace_key
WHERE true = 1
GROUP BY audiences.namespace_key, namespaces.name HAVING sum(parts.event_rows) > %s
ORDER BY namespaces.name;


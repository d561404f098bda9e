SELECT ? AS anon_1, min(events.occurred_at) AS min_1
FROM events
WHERE events.namespace_key = ?
UNION ALL SELECT ? AS anon_2, min(events.occurred_at) AS min_2
FROM events
WHERE events.namespace_key = ?;

SELECT audiences.namespace_key, namespaces.name, sum(parts.event_rows) AS sum_1, sum(parts.arrived_today) AS sum_2
FROM (SELECT audience_counts.audience_key AS audience_key, audience_counts.event_rows AS event_rows, ? AS arrived_today
FROM audience_counts
UNION ALL SELECT ingest_counts.audience_key AS audience_key, ? AS anon_1, ingest_counts.event_rows AS event_rows
FROM ingest_counts
WHERE ingest_counts.arrival_day = ?
UNION ALL SELECT event_count_deltas.audience_key AS audience_key, event_count_deltas.event_rows AS event_rows, CASE WHEN (event_count_deltas.arrival_day = ?) THEN event_count_deltas.event_rows ELSE ? END AS anon_2
FROM event_count_deltas) AS parts
JOIN audiences ON audiences.audience_key = parts.audience_key
JOIN namespaces ON namespaces.namespace_key = audiences.namespace_key
WHERE 1 = 1
GROUP BY audiences.namespace_key, namespaces.name HAVING sum(parts.event_rows) > ?
ORDER BY namespaces.name;


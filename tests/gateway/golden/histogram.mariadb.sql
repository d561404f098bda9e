SELECT ((event_counts.minute - %s) DIV %s) AS bucket, event_counts.severity, sum(event_counts.occurrences) AS number
FROM event_counts
WHERE event_counts.audience_key IN (%s, %s, %s) AND true = 1 AND event_counts.minute >= %s AND event_counts.minute < %s
GROUP BY ((event_counts.minute - %s) DIV %s), event_counts.severity
UNION ALL SELECT ((event_count_deltas.minute - %s) DIV %s) AS bucket, event_count_deltas.severity, sum(event_count_deltas.occurrences) AS number
FROM event_count_deltas
WHERE event_count_deltas.audience_key IN (%s, %s, %s) AND true = 1 AND event_count_deltas.minute >= %s AND event_count_deltas.minute < %s
GROUP BY ((event_count_deltas.minute - %s) DIV %s), event_count_deltas.severity
LIMIT %s;

SELECT audiences.audience_key
FROM audiences
WHERE true = 1
ORDER BY audiences.audience_key
LIMIT %s;


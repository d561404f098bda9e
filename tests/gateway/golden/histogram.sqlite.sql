SELECT ((event_counts.minute - ?) / ?) AS bucket, event_counts.severity, sum(event_counts.occurrences) AS number
FROM event_counts
WHERE event_counts.audience_key IN (?, ?, ?) AND 1 = 1 AND event_counts.minute >= ? AND event_counts.minute < ?
GROUP BY ((event_counts.minute - ?) / ?), event_counts.severity
UNION ALL SELECT ((event_count_deltas.minute - ?) / ?) AS bucket, event_count_deltas.severity, sum(event_count_deltas.occurrences) AS number
FROM event_count_deltas
WHERE event_count_deltas.audience_key IN (?, ?, ?) AND 1 = 1 AND event_count_deltas.minute >= ? AND event_count_deltas.minute < ?
GROUP BY ((event_count_deltas.minute - ?) / ?), event_count_deltas.severity
LIMIT ? OFFSET ?;

SELECT audiences.audience_key
FROM audiences
WHERE 1 = 1
ORDER BY audiences.audience_key
LIMIT ? OFFSET ?;


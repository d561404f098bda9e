SELECT ((scanned.occurred_at - %s) DIV %s) AS bucket, scanned.severity AS value, %s AS is_other, sum(scanned.repeat_count) AS number
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key, events.repeat_count AS repeat_count, events.severity AS severity
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
UNION ALL SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key, events.repeat_count AS repeat_count, events.severity AS severity
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
UNION ALL SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key, events.repeat_count AS repeat_count, events.severity AS severity
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
UNION ALL SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key, events.repeat_count AS repeat_count, events.severity AS severity
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
UNION ALL SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key, events.repeat_count AS repeat_count, events.severity AS severity
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
UNION ALL SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key, events.repeat_count AS repeat_count, events.severity AS severity
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
UNION ALL SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key, events.repeat_count AS repeat_count, events.severity AS severity
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
UNION ALL SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key, events.repeat_count AS repeat_count, events.severity AS severity
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
UNION ALL SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key, events.repeat_count AS repeat_count, events.severity AS severity
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
UNION ALL SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key, events.repeat_count AS repeat_count, events.severity AS severity
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
UNION ALL SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key, events.repeat_count AS repeat_count, events.severity AS severity
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
UNION ALL SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key, events.repeat_count AS repeat_count, events.severity AS severity
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
UNION ALL SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key, events.repeat_count AS repeat_count, events.severity AS severity
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
UNION ALL SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key, events.repeat_count AS repeat_count, events.severity AS severity
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
UNION ALL SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key, events.repeat_count AS repeat_count, events.severity AS severity
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s) AS scanned
GROUP BY bucket, value
LIMIT %s;

SELECT STRAIGHT_JOIN events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at
FROM (SELECT merged.occurred_at AS occurred_at, merged.id AS id, merged.namespace_key AS namespace_key
FROM ((SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s)) AS merged
ORDER BY merged.occurred_at DESC, merged.id DESC
LIMIT %s) AS page
INNER JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at DESC, page.id DESC;

SELECT audiences.audience_key
FROM audiences
WHERE true = 1
ORDER BY audiences.audience_key
LIMIT %s;

SELECT audiences.audience_key
FROM audiences
WHERE true = 1
ORDER BY audiences.audience_key
LIMIT %s;

SELECT audiences.audience_key
FROM audiences
WHERE true = 1
ORDER BY audiences.audience_key
LIMIT %s;

SELECT ends.occurred_at, CAST(ends.id AS UUID) AS id, ends.namespace_key
FROM ((SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s, %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s, %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s, %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s, %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s, %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s, %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s, %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s, %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s, %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s, %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s, %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s, %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s, %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s, %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_severity)
WHERE events.audience_key = %s AND events.severity = %s AND events.occurred_at >= %s AND events.occurred_at < %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s, %s)) AS ends
ORDER BY ends.occurred_at DESC, ends.id DESC
LIMIT %s;

SELECT min(%s) AS bucket, event_day_counts.event_type, event_day_counts.severity, nullif(event_day_counts.success, %s) AS nullif_1, sum(event_day_counts.occurrences) AS number
FROM event_day_counts
WHERE event_day_counts.audience_key IN (%s, %s, %s) AND event_day_counts.severity IN (%s, %s, %s, %s, %s)
GROUP BY event_day_counts.event_type, event_day_counts.severity, nullif(event_day_counts.success, %s)
UNION ALL SELECT min(%s) AS bucket, event_count_deltas.event_type, event_count_deltas.severity, nullif(event_count_deltas.success, %s) AS nullif_3, sum(event_count_deltas.occurrences) AS number
FROM event_count_deltas
WHERE event_count_deltas.audience_key IN (%s, %s, %s) AND event_count_deltas.severity IN (%s, %s, %s, %s, %s)
GROUP BY event_count_deltas.event_type, event_count_deltas.severity, nullif(event_count_deltas.success, %s);


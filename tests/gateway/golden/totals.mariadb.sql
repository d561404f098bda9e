SELECT STRAIGHT_JOIN events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_namespace)
WHERE events.namespace_key = %s
ORDER BY events.occurred_at ASC, id ASC
LIMIT %s) AS page
INNER JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at ASC, page.id ASC;

SELECT STRAIGHT_JOIN events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_namespace)
WHERE events.namespace_key = %s
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s) AS page
INNER JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at DESC, page.id DESC;

SELECT STRAIGHT_JOIN events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_time)
ORDER BY events.occurred_at ASC, id ASC
LIMIT %s) AS page
INNER JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at ASC, page.id ASC;

SELECT STRAIGHT_JOIN events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_time)
ORDER BY events.occurred_at DESC, id DESC
LIMIT %s) AS page
INNER JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at DESC, page.id DESC;

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
LIMIT %s)) AS merged
ORDER BY merged.occurred_at DESC, merged.id DESC
LIMIT %s) AS page
INNER JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at DESC, page.id DESC;

SELECT STRAIGHT_JOIN events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at, CAST(events.parent_id AS UUID) AS parent_id
FROM ((SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_parent)
WHERE events.parent_id = %s AND events.namespace_key = %s
ORDER BY events.occurred_at ASC, events.id ASC
LIMIT %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_parent)
WHERE events.parent_id = %s AND events.namespace_key = %s
ORDER BY events.occurred_at ASC, events.id ASC
LIMIT %s)) AS page
INNER JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at ASC, page.id ASC;

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

SELECT min(%s) AS bucket, sum(event_day_counts.event_rows) AS number
FROM event_day_counts
WHERE event_day_counts.audience_key IN (%s, %s, %s) AND event_day_counts.severity IN (%s, %s, %s, %s)
UNION ALL SELECT min(%s) AS bucket, sum(event_count_deltas.event_rows) AS number
FROM event_count_deltas
WHERE event_count_deltas.audience_key IN (%s, %s, %s) AND event_count_deltas.severity IN (%s, %s, %s, %s);

SELECT namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (%s)
ORDER BY namespaces.namespace_key
LIMIT %s;

SELECT namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (%s)
ORDER BY namespaces.namespace_key
LIMIT %s;

SELECT retention_cutoffs.event_types, retention_cutoffs.removed_before
FROM retention_cutoffs;

SELECT retention_cutoffs.event_types, retention_cutoffs.removed_before
FROM retention_cutoffs
WHERE retention_cutoffs.namespace IS NULL OR retention_cutoffs.namespace IN (%s);

SELECT totals.place, totals.number
FROM (SELECT 0 AS place, count(*) AS number
FROM (SELECT events.id AS id
FROM events FORCE INDEX (ix_events_parent)
WHERE events.parent_id = %s AND events.namespace_key = %s
LIMIT %s) AS anon_1
UNION ALL SELECT 1 AS place, count(*) AS number
FROM (SELECT events.id AS id
FROM events FORCE INDEX (ix_events_parent)
WHERE events.parent_id = %s AND events.namespace_key = %s
LIMIT %s) AS anon_2) AS totals;


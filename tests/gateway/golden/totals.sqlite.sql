SELECT audiences.audience_key
FROM audiences
WHERE 1 = 1
ORDER BY audiences.audience_key
LIMIT ? OFFSET ?;

SELECT audiences.audience_key
FROM audiences
WHERE 1 = 1
ORDER BY audiences.audience_key
LIMIT ? OFFSET ?;

SELECT events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.namespace_key = ?
ORDER BY events.occurred_at ASC, id ASC
LIMIT ? OFFSET ?) AS page
JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at ASC, page.id ASC;

SELECT events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.namespace_key = ?
ORDER BY events.occurred_at DESC, id DESC
LIMIT ? OFFSET ?) AS page
JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at DESC, page.id DESC;

SELECT events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
ORDER BY events.occurred_at ASC, id ASC
LIMIT ? OFFSET ?) AS page
JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at ASC, page.id ASC;

SELECT events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
ORDER BY events.occurred_at DESC, id DESC
LIMIT ? OFFSET ?) AS page
JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at DESC, page.id DESC;

SELECT events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at
FROM (SELECT merged.occurred_at AS occurred_at, merged.id AS id, merged.namespace_key AS namespace_key
FROM (SELECT anon_1.occurred_at AS occurred_at, anon_1.id AS id, anon_1.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.audience_key = ? AND events.severity = ?
ORDER BY events.occurred_at DESC, id DESC
LIMIT ? OFFSET ?) AS anon_1
UNION ALL SELECT anon_2.occurred_at AS occurred_at, anon_2.id AS id, anon_2.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.audience_key = ? AND events.severity = ?
ORDER BY events.occurred_at DESC, id DESC
LIMIT ? OFFSET ?) AS anon_2
UNION ALL SELECT anon_3.occurred_at AS occurred_at, anon_3.id AS id, anon_3.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.audience_key = ? AND events.severity = ?
ORDER BY events.occurred_at DESC, id DESC
LIMIT ? OFFSET ?) AS anon_3
UNION ALL SELECT anon_4.occurred_at AS occurred_at, anon_4.id AS id, anon_4.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.audience_key = ? AND events.severity = ?
ORDER BY events.occurred_at DESC, id DESC
LIMIT ? OFFSET ?) AS anon_4
UNION ALL SELECT anon_5.occurred_at AS occurred_at, anon_5.id AS id, anon_5.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.audience_key = ? AND events.severity = ?
ORDER BY events.occurred_at DESC, id DESC
LIMIT ? OFFSET ?) AS anon_5
UNION ALL SELECT anon_6.occurred_at AS occurred_at, anon_6.id AS id, anon_6.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.audience_key = ? AND events.severity = ?
ORDER BY events.occurred_at DESC, id DESC
LIMIT ? OFFSET ?) AS anon_6
UNION ALL SELECT anon_7.occurred_at AS occurred_at, anon_7.id AS id, anon_7.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.audience_key = ? AND events.severity = ?
ORDER BY events.occurred_at DESC, id DESC
LIMIT ? OFFSET ?) AS anon_7
UNION ALL SELECT anon_8.occurred_at AS occurred_at, anon_8.id AS id, anon_8.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.audience_key = ? AND events.severity = ?
ORDER BY events.occurred_at DESC, id DESC
LIMIT ? OFFSET ?) AS anon_8
UNION ALL SELECT anon_9.occurred_at AS occurred_at, anon_9.id AS id, anon_9.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.audience_key = ? AND events.severity = ?
ORDER BY events.occurred_at DESC, id DESC
LIMIT ? OFFSET ?) AS anon_9
UNION ALL SELECT anon_10.occurred_at AS occurred_at, anon_10.id AS id, anon_10.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.audience_key = ? AND events.severity = ?
ORDER BY events.occurred_at DESC, id DESC
LIMIT ? OFFSET ?) AS anon_10
UNION ALL SELECT anon_11.occurred_at AS occurred_at, anon_11.id AS id, anon_11.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.audience_key = ? AND events.severity = ?
ORDER BY events.occurred_at DESC, id DESC
LIMIT ? OFFSET ?) AS anon_11
UNION ALL SELECT anon_12.occurred_at AS occurred_at, anon_12.id AS id, anon_12.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.audience_key = ? AND events.severity = ?
ORDER BY events.occurred_at DESC, id DESC
LIMIT ? OFFSET ?) AS anon_12) AS merged
ORDER BY merged.occurred_at DESC, merged.id DESC
LIMIT ? OFFSET ?) AS page
JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at DESC, page.id DESC;

SELECT events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at, CASE WHEN events.parent_id IS NULL THEN NULL ELSE substr(lower(hex(events.parent_id)), 1, 8) || '-' || substr(lower(hex(events.parent_id)), 9, 4) || '-' || substr(lower(hex(events.parent_id)), 13, 4) || '-' || substr(lower(hex(events.parent_id)), 17, 4) || '-' || substr(lower(hex(events.parent_id)), 21, 12) END AS parent_id
FROM (SELECT anon_1.occurred_at AS occurred_at, anon_1.id AS id, anon_1.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.parent_id = ? AND events.namespace_key = ?
ORDER BY events.occurred_at ASC, events.id ASC
LIMIT ? OFFSET ?) AS anon_1
UNION ALL SELECT anon_2.occurred_at AS occurred_at, anon_2.id AS id, anon_2.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.parent_id = ? AND events.namespace_key = ?
ORDER BY events.occurred_at ASC, events.id ASC
LIMIT ? OFFSET ?) AS anon_2) AS page
JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at ASC, page.id ASC;

SELECT min(?) AS bucket, sum(event_day_counts.event_rows) AS number
FROM event_day_counts
WHERE event_day_counts.audience_key IN (?, ?, ?) AND event_day_counts.severity IN (?, ?, ?, ?)
UNION ALL SELECT min(?) AS bucket, sum(event_count_deltas.event_rows) AS number
FROM event_count_deltas
WHERE event_count_deltas.audience_key IN (?, ?, ?) AND event_count_deltas.severity IN (?, ?, ?, ?);

SELECT namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (?)
ORDER BY namespaces.namespace_key
LIMIT ? OFFSET ?;

SELECT namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (?)
ORDER BY namespaces.namespace_key
LIMIT ? OFFSET ?;

SELECT retention_cutoffs.event_types, retention_cutoffs.removed_before
FROM retention_cutoffs;

SELECT retention_cutoffs.event_types, retention_cutoffs.removed_before
FROM retention_cutoffs
WHERE retention_cutoffs.namespace IS NULL OR retention_cutoffs.namespace IN (?);

SELECT totals.place, totals.number
FROM (SELECT 0 AS place, count(*) AS number
FROM (SELECT events.id AS id
FROM events
WHERE events.parent_id = ? AND events.namespace_key = ?
LIMIT ? OFFSET ?) AS anon_1
UNION ALL SELECT 1 AS place, count(*) AS number
FROM (SELECT events.id AS id
FROM events
WHERE events.parent_id = ? AND events.namespace_key = ?
LIMIT ? OFFSET ?) AS anon_2) AS totals;


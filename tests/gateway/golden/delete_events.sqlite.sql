BEGIN IMMEDIATE;

INSERT INTO deletions (deletion_id, kind, state, requested_by, reason, filter, selection, bound, matched, matched_references, recounted, recounted_references, deleted, deleted_references, place, sample, created_at, started_at, finished_at, expires_at, error)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

SELECT CASE WHEN deletions.deletion_id IS NULL THEN NULL ELSE substr(lower(hex(deletions.deletion_id)), 1, 8) || '-' || substr(lower(hex(deletions.deletion_id)), 9, 4) || '-' || substr(lower(hex(deletions.deletion_id)), 13, 4) || '-' || substr(lower(hex(deletions.deletion_id)), 17, 4) || '-' || substr(lower(hex(deletions.deletion_id)), 21, 12) END AS deletion_id, deletions.kind, deletions.state, deletions.requested_by, deletions.reason, deletions.filter, deletions.selection, deletions.bound, deletions.matched, deletions.matched_references, deletions.recounted, deletions.recounted_references, deletions.deleted, deletions.deleted_references, deletions.place, deletions.sample, deletions.created_at, deletions.started_at, deletions.finished_at, deletions.expires_at, deletions.error
FROM deletions
WHERE deletions.deletion_id = ?;

SELECT audiences.audience_key
FROM audiences
WHERE 1 = 1
ORDER BY audiences.audience_key
LIMIT ? OFFSET ?;

SELECT ends.occurred_at, CASE WHEN ends.id IS NULL THEN NULL ELSE substr(lower(hex(ends.id)), 1, 8) || '-' || substr(lower(hex(ends.id)), 9, 4) || '-' || substr(lower(hex(ends.id)), 13, 4) || '-' || substr(lower(hex(ends.id)), 17, 4) || '-' || substr(lower(hex(ends.id)), 21, 12) END AS id, ends.namespace_key
FROM (SELECT anon_1.occurred_at AS occurred_at, anon_1.id AS id, anon_1.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.audience_key = ? AND events.event_type = ?
ORDER BY events.occurred_at ASC, id ASC
LIMIT ? OFFSET ?) AS anon_1
UNION ALL SELECT anon_2.occurred_at AS occurred_at, anon_2.id AS id, anon_2.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.audience_key = ? AND events.event_type = ?
ORDER BY events.occurred_at ASC, id ASC
LIMIT ? OFFSET ?) AS anon_2
UNION ALL SELECT anon_3.occurred_at AS occurred_at, anon_3.id AS id, anon_3.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.audience_key = ? AND events.event_type = ?
ORDER BY events.occurred_at ASC, id ASC
LIMIT ? OFFSET ?) AS anon_3) AS ends
ORDER BY ends.occurred_at ASC, ends.id ASC
LIMIT ? OFFSET ?;

SELECT events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at, events.message
FROM events
WHERE events.id IN (?, ?);

SELECT events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at, events.repeat_count
FROM (SELECT merged.occurred_at AS occurred_at, merged.id AS id, merged.namespace_key AS namespace_key
FROM (SELECT anon_1.occurred_at AS occurred_at, anon_1.id AS id, anon_1.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.audience_key = ? AND events.event_type = ? AND (events.actor IN (?)) IS NOT 1 AND (events.namespace_key IN (SELECT namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (?))) IS NOT 1 AND NOT (EXISTS (SELECT *
FROM ingest_batches
WHERE ingest_batches.batch_key = events.batch_key AND (ingest_batches.position IS NULL OR ingest_batches.position > ?)))
ORDER BY events.occurred_at ASC, id ASC
LIMIT ? OFFSET ?) AS anon_1
UNION ALL SELECT anon_2.occurred_at AS occurred_at, anon_2.id AS id, anon_2.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.audience_key = ? AND events.event_type = ? AND (events.actor IN (?)) IS NOT 1 AND (events.namespace_key IN (SELECT namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (?))) IS NOT 1 AND NOT (EXISTS (SELECT *
FROM ingest_batches
WHERE ingest_batches.batch_key = events.batch_key AND (ingest_batches.position IS NULL OR ingest_batches.position > ?)))
ORDER BY events.occurred_at ASC, id ASC
LIMIT ? OFFSET ?) AS anon_2
UNION ALL SELECT anon_3.occurred_at AS occurred_at, anon_3.id AS id, anon_3.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.audience_key = ? AND events.event_type = ? AND (events.actor IN (?)) IS NOT 1 AND (events.namespace_key IN (SELECT namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (?))) IS NOT 1 AND NOT (EXISTS (SELECT *
FROM ingest_batches
WHERE ingest_batches.batch_key = events.batch_key AND (ingest_batches.position IS NULL OR ingest_batches.position > ?)))
ORDER BY events.occurred_at ASC, id ASC
LIMIT ? OFFSET ?) AS anon_3) AS merged
ORDER BY merged.occurred_at ASC, merged.id ASC
LIMIT ? OFFSET ?) AS page
JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at ASC, page.id ASC;

SELECT leases.high_water
FROM leases
WHERE leases.name = ?;


SELECT CASE WHEN deletions.deletion_id IS NULL THEN NULL ELSE substr(lower(hex(deletions.deletion_id)), 1, 8) || '-' || substr(lower(hex(deletions.deletion_id)), 9, 4) || '-' || substr(lower(hex(deletions.deletion_id)), 13, 4) || '-' || substr(lower(hex(deletions.deletion_id)), 17, 4) || '-' || substr(lower(hex(deletions.deletion_id)), 21, 12) END AS deletion_id, deletions.kind, deletions.state, deletions.requested_by, deletions.reason, deletions.filter, deletions.selection, deletions.bound, deletions.matched, deletions.matched_references, deletions.recounted, deletions.recounted_references, deletions.deleted, deletions.deleted_references, deletions.place, deletions.sample, deletions.created_at, deletions.started_at, deletions.finished_at, deletions.expires_at, deletions.error
FROM deletions
WHERE deletions.deletion_id = ?;

SELECT CASE WHEN deletions.deletion_id IS NULL THEN NULL ELSE substr(lower(hex(deletions.deletion_id)), 1, 8) || '-' || substr(lower(hex(deletions.deletion_id)), 9, 4) || '-' || substr(lower(hex(deletions.deletion_id)), 13, 4) || '-' || substr(lower(hex(deletions.deletion_id)), 17, 4) || '-' || substr(lower(hex(deletions.deletion_id)), 21, 12) END AS deletion_id, deletions.kind, deletions.state, deletions.requested_by, deletions.reason, deletions.filter, deletions.selection, deletions.bound, deletions.matched, deletions.matched_references, deletions.recounted, deletions.recounted_references, deletions.deleted, deletions.deleted_references, deletions.place, deletions.sample, deletions.created_at, deletions.started_at, deletions.finished_at, deletions.expires_at, deletions.error
FROM deletions
JOIN (SELECT anon_1.deletion_id AS deletion_id
FROM (SELECT deletions.deletion_id AS deletion_id
FROM deletions
WHERE deletions.state = ?
ORDER BY deletions.deletion_id DESC
LIMIT ? OFFSET ?) AS anon_1
UNION ALL SELECT anon_2.deletion_id AS deletion_id
FROM (SELECT deletions.deletion_id AS deletion_id
FROM deletions
WHERE deletions.state = ?
ORDER BY deletions.deletion_id DESC
LIMIT ? OFFSET ?) AS anon_2
UNION ALL SELECT anon_3.deletion_id AS deletion_id
FROM (SELECT deletions.deletion_id AS deletion_id
FROM deletions
WHERE deletions.state = ? AND deletions.expires_at <= ?
ORDER BY deletions.deletion_id DESC
LIMIT ? OFFSET ?) AS anon_3) AS chosen ON chosen.deletion_id = deletions.deletion_id
ORDER BY deletions.deletion_id DESC
LIMIT ? OFFSET ?;

SELECT events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at, events.message
FROM events
WHERE events.id IN (?, ?);


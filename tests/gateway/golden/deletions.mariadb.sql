SELECT CAST(deletions.deletion_id AS UUID) AS deletion_id, deletions.kind, deletions.state, deletions.requested_by, deletions.reason, deletions.filter, deletions.selection, deletions.bound, deletions.matched, deletions.matched_references, deletions.recounted, deletions.recounted_references, deletions.deleted, deletions.deleted_references, deletions.place, deletions.sample, deletions.created_at, deletions.started_at, deletions.finished_at, deletions.expires_at, deletions.error
FROM deletions
WHERE deletions.deletion_id = %s;

SELECT CAST(deletions.deletion_id AS UUID) AS deletion_id, deletions.kind, deletions.state, deletions.requested_by, deletions.reason, deletions.filter, deletions.selection, deletions.bound, deletions.matched, deletions.matched_references, deletions.recounted, deletions.recounted_references, deletions.deleted, deletions.deleted_references, deletions.place, deletions.sample, deletions.created_at, deletions.started_at, deletions.finished_at, deletions.expires_at, deletions.error
FROM deletions
INNER JOIN ((SELECT deletions.deletion_id AS deletion_id
FROM deletions FORCE INDEX (ix_deletions_state)
WHERE deletions.state = %s
ORDER BY deletions.deletion_id DESC
LIMIT %s)
UNION ALL (SELECT deletions.deletion_id AS deletion_id
FROM deletions FORCE INDEX (ix_deletions_state)
WHERE deletions.state = %s
ORDER BY deletions.deletion_id DESC
LIMIT %s)
UNION ALL (SELECT deletions.deletion_id AS deletion_id
FROM deletions FORCE INDEX (ix_deletions_state)
WHERE deletions.state = %s AND deletions.expires_at <= %s
ORDER BY deletions.deletion_id DESC
LIMIT %s)) AS chosen ON chosen.deletion_id = deletions.deletion_id
ORDER BY deletions.deletion_id DESC
LIMIT %s;

SELECT events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at, events.message
FROM events
WHERE events.id IN (%s, %s);


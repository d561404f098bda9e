SELECT CAST(deletions.deletion_id AS UUID) AS deletion_id, deletions.kind, deletions.state, deletions.requested_by, deletions.reason, deletions.filter, deletions.selection, deletions.bound, deletions.matched, deletions.matched_references, deletions.recounted, deletions.recounted_references, deletions.deleted, deletions.deleted_references, deletions.place, deletions.sample, deletions.created_at, deletions.started_at, deletions.finished_at, deletions.expires_at, deletions.error
FROM deletions
WHERE deletions.deletion_id = %s;

SELECT events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at, events.message
FROM events
WHERE events.id IN (%s, %s);


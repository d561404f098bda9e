BEGIN IMMEDIATE;

INSERT INTO deletions (deletion_id, kind, state, requested_by, reason, filter, selection, bound, matched, matched_references, recounted, recounted_references, deleted, deleted_references, place, sample, created_at, started_at, finished_at, expires_at, error)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

SELECT CASE WHEN deletions.deletion_id IS NULL THEN NULL ELSE substr(lower(hex(deletions.deletion_id)), 1, 8) || '-' || substr(lower(hex(deletions.deletion_id)), 9, 4) || '-' || substr(lower(hex(deletions.deletion_id)), 13, 4) || '-' || substr(lower(hex(deletions.deletion_id)), 17, 4) || '-' || substr(lower(hex(deletions.deletion_id)), 21, 12) END AS deletion_id, deletions.kind, deletions.state, deletions.requested_by, deletions.reason, deletions.filter, deletions.selection, deletions.bound, deletions.matched, deletions.matched_references, deletions.recounted, deletions.recounted_references, deletions.deleted, deletions.deleted_references, deletions.place, deletions.sample, deletions.created_at, deletions.started_at, deletions.finished_at, deletions.expires_at, deletions.error
FROM deletions
WHERE deletions.deletion_id = ?;

SELECT CASE WHEN registrations.registration_id IS NULL THEN NULL ELSE substr(lower(hex(registrations.registration_id)), 1, 8) || '-' || substr(lower(hex(registrations.registration_id)), 9, 4) || '-' || substr(lower(hex(registrations.registration_id)), 13, 4) || '-' || substr(lower(hex(registrations.registration_id)), 17, 4) || '-' || substr(lower(hex(registrations.registration_id)), 21, 12) END AS registration_id
FROM registrations
WHERE registrations.namespace_key = ? AND registrations.source = ? AND registrations.generation < (SELECT max(last.generation) AS max_1
FROM registrations AS last
WHERE last.namespace_key = ? AND last.source = ?) AND (SELECT events.namespace_key
FROM events
WHERE events.registration_id = registrations.registration_id
LIMIT ? OFFSET ?) IS NOT NULL
ORDER BY registrations.generation;

SELECT leases.high_water
FROM leases
WHERE leases.name = ?;


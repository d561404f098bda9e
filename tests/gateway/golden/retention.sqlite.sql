SELECT CASE WHEN retention_policies.policy_id IS NULL THEN NULL ELSE substr(lower(hex(retention_policies.policy_id)), 1, 8) || '-' || substr(lower(hex(retention_policies.policy_id)), 9, 4) || '-' || substr(lower(hex(retention_policies.policy_id)), 13, 4) || '-' || substr(lower(hex(retention_policies.policy_id)), 17, 4) || '-' || substr(lower(hex(retention_policies.policy_id)), 21, 12) END AS policy_id, retention_policies.name, retention_policies.namespace, retention_policies.event_types, retention_policies.object_types, retention_policies.sources, retention_policies.selectors, retention_policies.max_age_seconds, retention_policies.archive, retention_policies.prune_registrations, retention_policies.compact_repeats, retention_policies.enabled, retention_policies.created_at, retention_policies.updated_at
FROM retention_policies
ORDER BY retention_policies.policy_id;

SELECT CASE WHEN retention_runs.run_id IS NULL THEN NULL ELSE substr(lower(hex(retention_runs.run_id)), 1, 8) || '-' || substr(lower(hex(retention_runs.run_id)), 9, 4) || '-' || substr(lower(hex(retention_runs.run_id)), 13, 4) || '-' || substr(lower(hex(retention_runs.run_id)), 17, 4) || '-' || substr(lower(hex(retention_runs.run_id)), 21, 12) END AS run_id, retention_runs.dry_run, retention_runs.requested_by, retention_runs.started_at, retention_runs.finished_at, retention_runs.completed, retention_runs.events_removed, retention_runs.references_removed, retention_runs.archived, retention_runs.folded, retention_runs.outcomes, retention_runs.error
FROM retention_runs
WHERE retention_runs.dry_run = ?
ORDER BY retention_runs.run_id DESC
LIMIT ? OFFSET ?;

SELECT CASE WHEN retention_runs.run_id IS NULL THEN NULL ELSE substr(lower(hex(retention_runs.run_id)), 1, 8) || '-' || substr(lower(hex(retention_runs.run_id)), 9, 4) || '-' || substr(lower(hex(retention_runs.run_id)), 13, 4) || '-' || substr(lower(hex(retention_runs.run_id)), 17, 4) || '-' || substr(lower(hex(retention_runs.run_id)), 21, 12) END AS run_id, retention_runs.dry_run, retention_runs.requested_by, retention_runs.started_at, retention_runs.finished_at, retention_runs.completed, retention_runs.events_removed, retention_runs.references_removed, retention_runs.archived, retention_runs.folded, retention_runs.outcomes, retention_runs.error
FROM retention_runs
ORDER BY retention_runs.run_id DESC
LIMIT ? OFFSET ?;

SELECT event_types.namespace, event_types.name, event_types.max_age_seconds
FROM event_types
WHERE event_types.max_age_seconds IS NOT NULL
ORDER BY event_types.namespace, event_types.name;

SELECT retention_marks.received_at, retention_marks.batch_key, retention_marks.position
FROM retention_marks
WHERE retention_marks.mark = ?;


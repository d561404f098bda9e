SELECT DISTINCT operation_targets.namespace, operation_targets.object_type, operation_targets.object_id
FROM operation_targets
WHERE operation_targets.is_pending = ?
ORDER BY operation_targets.namespace ASC, operation_targets.object_type ASC, operation_targets.object_id ASC
LIMIT ? OFFSET ?;

SELECT objects.namespace, objects.object_type, objects.object_id
FROM objects
WHERE (objects.namespace = ? AND objects.object_type = ? AND objects.object_id IN (?) OR objects.namespace = ? AND objects.object_type = ? AND objects.object_id IN (?) OR objects.namespace = ? AND objects.object_type = ? AND objects.object_id IN (?)) AND (SELECT operation_targets.operation_key
FROM operation_targets
WHERE operation_targets.object_key = objects.object_key AND operation_targets.is_pending = ?
LIMIT ? OFFSET ?) IS NOT NULL;

SELECT objects.namespace, objects.object_type, objects.object_id, (SELECT reference.occurred_at
FROM event_objects AS reference
WHERE reference.object_key = object_audiences.object_key AND reference.audience_key = object_audiences.audience_key
ORDER BY reference.occurred_at
LIMIT ? OFFSET ?) AS first_at, (SELECT reference.occurred_at
FROM event_objects AS reference
WHERE reference.object_key = object_audiences.object_key AND reference.audience_key = object_audiences.audience_key
ORDER BY reference.occurred_at DESC
LIMIT ? OFFSET ?) AS last_at
FROM objects
JOIN object_audiences ON object_audiences.object_key = objects.object_key
WHERE objects.namespace = ? AND objects.object_type = ? AND objects.object_id = ? OR objects.namespace = ? AND objects.object_type = ? AND objects.object_id = ? OR objects.namespace = ? AND objects.object_type = ? AND objects.object_id = ?;

SELECT operation_targets.namespace, operation_targets.object_type, operation_targets.object_id
FROM operation_targets
WHERE operation_targets.is_pending = ?
ORDER BY operation_targets.namespace ASC, operation_targets.object_type ASC, operation_targets.object_id ASC
LIMIT ? OFFSET ?;

SELECT page.namespace, page.object_type, page.object_id, operations.operation_key, CASE WHEN operations.operation_id IS NULL THEN NULL ELSE substr(lower(hex(operations.operation_id)), 1, 8) || '-' || substr(lower(hex(operations.operation_id)), 9, 4) || '-' || substr(lower(hex(operations.operation_id)), 13, 4) || '-' || substr(lower(hex(operations.operation_id)), 17, 4) || '-' || substr(lower(hex(operations.operation_id)), 21, 12) END AS operation_id, (SELECT namespaces.name
FROM namespaces
WHERE namespaces.namespace_key = operations.namespace_key) AS namespace, operations.operation_type, operations.state, operations.is_pending, operations.created_at, operations.updated_at, operations.request_id, operations.payload
FROM (SELECT anon_1.operation_key AS operation_key, anon_1.namespace AS namespace, anon_1.object_type AS object_type, anon_1.object_id AS object_id
FROM (SELECT operation_targets.operation_key AS operation_key, objects.namespace AS namespace, objects.object_type AS object_type, objects.object_id AS object_id
FROM operation_targets, objects
WHERE operation_targets.object_key = objects.object_key AND objects.namespace = ? AND objects.object_type = ? AND objects.object_id = ?
ORDER BY operation_targets.operation_key ASC
LIMIT ? OFFSET ?) AS anon_1
UNION ALL SELECT anon_2.operation_key AS operation_key, anon_2.namespace AS namespace, anon_2.object_type AS object_type, anon_2.object_id AS object_id
FROM (SELECT operation_targets.operation_key AS operation_key, objects.namespace AS namespace, objects.object_type AS object_type, objects.object_id AS object_id
FROM operation_targets, objects
WHERE operation_targets.object_key = objects.object_key AND objects.namespace = ? AND objects.object_type = ? AND objects.object_id = ?
ORDER BY operation_targets.operation_key ASC
LIMIT ? OFFSET ?) AS anon_2
UNION ALL SELECT anon_3.operation_key AS operation_key, anon_3.namespace AS namespace, anon_3.object_type AS object_type, anon_3.object_id AS object_id
FROM (SELECT operation_targets.operation_key AS operation_key, objects.namespace AS namespace, objects.object_type AS object_type, objects.object_id AS object_id
FROM operation_targets, objects
WHERE operation_targets.object_key = objects.object_key AND objects.namespace = ? AND objects.object_type = ? AND objects.object_id = ?
ORDER BY operation_targets.operation_key ASC
LIMIT ? OFFSET ?) AS anon_3
UNION ALL SELECT anon_4.operation_key AS operation_key, anon_4.namespace AS namespace, anon_4.object_type AS object_type, anon_4.object_id AS object_id
FROM (SELECT operation_targets.operation_key AS operation_key, objects.namespace AS namespace, objects.object_type AS object_type, objects.object_id AS object_id
FROM operation_targets, objects
WHERE operation_targets.object_key = objects.object_key AND objects.namespace = ? AND objects.object_type = ? AND objects.object_id = ?
ORDER BY operation_targets.operation_key ASC
LIMIT ? OFFSET ?) AS anon_4
UNION ALL SELECT anon_5.operation_key AS operation_key, anon_5.namespace AS namespace, anon_5.object_type AS object_type, anon_5.object_id AS object_id
FROM (SELECT operation_targets.operation_key AS operation_key, objects.namespace AS namespace, objects.object_type AS object_type, objects.object_id AS object_id
FROM operation_targets, objects
WHERE operation_targets.object_key = objects.object_key AND objects.namespace = ? AND objects.object_type = ? AND objects.object_id = ?
ORDER BY operation_targets.operation_key ASC
LIMIT ? OFFSET ?) AS anon_5) AS page
JOIN operations ON operations.operation_key = page.operation_key;

SELECT page.namespace, page.object_type, page.object_id, operations.operation_key, CASE WHEN operations.operation_id IS NULL THEN NULL ELSE substr(lower(hex(operations.operation_id)), 1, 8) || '-' || substr(lower(hex(operations.operation_id)), 9, 4) || '-' || substr(lower(hex(operations.operation_id)), 13, 4) || '-' || substr(lower(hex(operations.operation_id)), 17, 4) || '-' || substr(lower(hex(operations.operation_id)), 21, 12) END AS operation_id, (SELECT namespaces.name
FROM namespaces
WHERE namespaces.namespace_key = operations.namespace_key) AS namespace, operations.operation_type, operations.state, operations.is_pending, operations.created_at, operations.updated_at, operations.request_id, operations.payload
FROM (SELECT anon_1.operation_key AS operation_key, anon_1.namespace AS namespace, anon_1.object_type AS object_type, anon_1.object_id AS object_id
FROM (SELECT operation_targets.operation_key AS operation_key, objects.namespace AS namespace, objects.object_type AS object_type, objects.object_id AS object_id
FROM operation_targets, objects
WHERE operation_targets.object_key = objects.object_key AND operation_targets.is_pending = ? AND objects.namespace = ? AND objects.object_type = ? AND objects.object_id = ?
ORDER BY operation_targets.operation_key DESC
LIMIT ? OFFSET ?) AS anon_1
UNION ALL SELECT anon_2.operation_key AS operation_key, anon_2.namespace AS namespace, anon_2.object_type AS object_type, anon_2.object_id AS object_id
FROM (SELECT operation_targets.operation_key AS operation_key, objects.namespace AS namespace, objects.object_type AS object_type, objects.object_id AS object_id
FROM operation_targets, objects
WHERE operation_targets.object_key = objects.object_key AND operation_targets.is_pending = ? AND objects.namespace = ? AND objects.object_type = ? AND objects.object_id = ?
ORDER BY operation_targets.operation_key DESC
LIMIT ? OFFSET ?) AS anon_2
UNION ALL SELECT anon_3.operation_key AS operation_key, anon_3.namespace AS namespace, anon_3.object_type AS object_type, anon_3.object_id AS object_id
FROM (SELECT operation_targets.operation_key AS operation_key, objects.namespace AS namespace, objects.object_type AS object_type, objects.object_id AS object_id
FROM operation_targets, objects
WHERE operation_targets.object_key = objects.object_key AND operation_targets.is_pending = ? AND objects.namespace = ? AND objects.object_type = ? AND objects.object_id = ?
ORDER BY operation_targets.operation_key DESC
LIMIT ? OFFSET ?) AS anon_3
UNION ALL SELECT anon_4.operation_key AS operation_key, anon_4.namespace AS namespace, anon_4.object_type AS object_type, anon_4.object_id AS object_id
FROM (SELECT operation_targets.operation_key AS operation_key, objects.namespace AS namespace, objects.object_type AS object_type, objects.object_id AS object_id
FROM operation_targets, objects
WHERE operation_targets.object_key = objects.object_key AND operation_targets.is_pending = ? AND objects.namespace = ? AND objects.object_type = ? AND objects.object_id = ?
ORDER BY operation_targets.operation_key DESC
LIMIT ? OFFSET ?) AS anon_4
UNION ALL SELECT anon_5.operation_key AS operation_key, anon_5.namespace AS namespace, anon_5.object_type AS object_type, anon_5.object_id AS object_id
FROM (SELECT operation_targets.operation_key AS operation_key, objects.namespace AS namespace, objects.object_type AS object_type, objects.object_id AS object_id
FROM operation_targets, objects
WHERE operation_targets.object_key = objects.object_key AND operation_targets.is_pending = ? AND objects.namespace = ? AND objects.object_type = ? AND objects.object_id = ?
ORDER BY operation_targets.operation_key DESC
LIMIT ? OFFSET ?) AS anon_5) AS page
JOIN operations ON operations.operation_key = page.operation_key;

SELECT page.namespace, page.object_type, page.object_id, operations.operation_key, CASE WHEN operations.operation_id IS NULL THEN NULL ELSE substr(lower(hex(operations.operation_id)), 1, 8) || '-' || substr(lower(hex(operations.operation_id)), 9, 4) || '-' || substr(lower(hex(operations.operation_id)), 13, 4) || '-' || substr(lower(hex(operations.operation_id)), 17, 4) || '-' || substr(lower(hex(operations.operation_id)), 21, 12) END AS operation_id, (SELECT namespaces.name
FROM namespaces
WHERE namespaces.namespace_key = operations.namespace_key) AS namespace, operations.operation_type, operations.state, operations.is_pending, operations.created_at, operations.updated_at, operations.request_id, operations.payload
FROM (SELECT objects.namespace AS namespace, objects.object_type AS object_type, objects.object_id AS object_id, (SELECT operation_targets.operation_key
FROM operation_targets
WHERE operation_targets.object_key = objects.object_key
ORDER BY operation_targets.operation_key DESC
LIMIT ? OFFSET ?) AS operation_key
FROM objects
WHERE objects.namespace = ? AND objects.object_type = ? AND objects.object_id IN (?) OR objects.namespace = ? AND objects.object_type = ? AND objects.object_id IN (?) OR objects.namespace = ? AND objects.object_type = ? AND objects.object_id IN (?)) AS page
JOIN operations ON operations.operation_key = page.operation_key;


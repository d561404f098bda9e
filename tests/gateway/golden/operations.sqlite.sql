SELECT operation_targets.operation_key, operation_targets.namespace, operation_targets.object_type, operation_targets.object_id
FROM operation_targets
WHERE operation_targets.operation_key IN (?, ?, ?);

SELECT operations.operation_key, CASE WHEN operations.operation_id IS NULL THEN NULL ELSE substr(lower(hex(operations.operation_id)), 1, 8) || '-' || substr(lower(hex(operations.operation_id)), 9, 4) || '-' || substr(lower(hex(operations.operation_id)), 13, 4) || '-' || substr(lower(hex(operations.operation_id)), 17, 4) || '-' || substr(lower(hex(operations.operation_id)), 21, 12) END AS operation_id, (SELECT namespaces.name
FROM namespaces
WHERE namespaces.namespace_key = operations.namespace_key) AS namespace, operations.operation_type, operations.state, operations.is_pending, operations.created_at, operations.updated_at, operations.request_id, operations.payload
FROM (SELECT anon_1.operation_key AS operation_key
FROM (SELECT operations.operation_key AS operation_key
FROM operations
WHERE operations.state = ?
ORDER BY operations.operation_key DESC
LIMIT ? OFFSET ?) AS anon_1
UNION ALL SELECT anon_2.operation_key AS operation_key
FROM (SELECT operations.operation_key AS operation_key
FROM operations
WHERE operations.state = ?
ORDER BY operations.operation_key DESC
LIMIT ? OFFSET ?) AS anon_2
UNION ALL SELECT anon_3.operation_key AS operation_key
FROM (SELECT operations.operation_key AS operation_key
FROM operations
WHERE operations.state = ?
ORDER BY operations.operation_key DESC
LIMIT ? OFFSET ?) AS anon_3) AS found
JOIN operations ON operations.operation_key = found.operation_key
ORDER BY found.operation_key DESC
LIMIT ? OFFSET ?;


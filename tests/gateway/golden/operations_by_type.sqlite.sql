SELECT operations.operation_key
FROM operations
WHERE operations.operation_type = ?
ORDER BY operations.operation_key ASC
LIMIT ? OFFSET ?;

SELECT operations.operation_key, CASE WHEN operations.operation_id IS NULL THEN NULL ELSE substr(lower(hex(operations.operation_id)), 1, 8) || '-' || substr(lower(hex(operations.operation_id)), 9, 4) || '-' || substr(lower(hex(operations.operation_id)), 13, 4) || '-' || substr(lower(hex(operations.operation_id)), 17, 4) || '-' || substr(lower(hex(operations.operation_id)), 21, 12) END AS operation_id, (SELECT namespaces.name
FROM namespaces
WHERE namespaces.namespace_key = operations.namespace_key) AS namespace, operations.operation_type, operations.state, operations.is_pending, operations.created_at, operations.updated_at, operations.request_id, operations.payload
FROM operations
WHERE operations.operation_type = ? AND +(operations.namespace_key IN (?))
ORDER BY operations.operation_key ASC
LIMIT ? OFFSET ?;


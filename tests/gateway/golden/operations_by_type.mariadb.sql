SELECT operations.operation_key
FROM operations FORCE INDEX (ix_operations_operation_type)
WHERE operations.operation_type = %s
ORDER BY operations.operation_key ASC
LIMIT %s, %s;

SELECT operations.operation_key, CAST(operations.operation_id AS UUID) AS operation_id, (SELECT namespaces.name
FROM namespaces
WHERE namespaces.namespace_key = operations.namespace_key) AS namespace, operations.operation_type, operations.state, operations.is_pending, operations.created_at, operations.updated_at, operations.request_id, operations.payload
FROM operations FORCE INDEX (ix_operations_operation_type)
WHERE operations.operation_type = %s AND (operations.namespace_key IN (%s))
ORDER BY operations.operation_key ASC
LIMIT %s;


SELECT STRAIGHT_JOIN operations.operation_key, CAST(operations.operation_id AS UUID) AS operation_id, (SELECT namespaces.name
FROM namespaces
WHERE namespaces.namespace_key = operations.namespace_key) AS namespace, operations.operation_type, operations.state, operations.is_pending, operations.created_at, operations.updated_at, operations.request_id, operations.payload
FROM ((SELECT operations.operation_key AS operation_key
FROM operations FORCE INDEX (ix_operations_state)
WHERE operations.state = %s
ORDER BY operations.operation_key DESC
LIMIT %s)
UNION ALL (SELECT operations.operation_key AS operation_key
FROM operations FORCE INDEX (ix_operations_state)
WHERE operations.state = %s
ORDER BY operations.operation_key DESC
LIMIT %s)
UNION ALL (SELECT operations.operation_key AS operation_key
FROM operations FORCE INDEX (ix_operations_state)
WHERE operations.state = %s
ORDER BY operations.operation_key DESC
LIMIT %s)) AS found
INNER JOIN operations ON operations.operation_key = found.operation_key
ORDER BY found.operation_key DESC
LIMIT %s;

SELECT operation_targets.operation_key, operation_targets.namespace, operation_targets.object_type, operation_targets.object_id
FROM operation_targets
WHERE operation_targets.operation_key IN (%s, %s, %s);


SELECT objects.object_key, object_audiences.audience_key
FROM objects
INNER JOIN object_audiences ON object_audiences.object_key = objects.object_key
WHERE objects.object_type = %s AND objects.object_id = %s AND objects.namespace = %s
ORDER BY objects.object_key, object_audiences.audience_key;

SELECT operation_targets.operation_key, operation_targets.namespace, operation_targets.object_type, operation_targets.object_id
FROM operation_targets
WHERE operation_targets.operation_key IN (%s);

SELECT operations.operation_key, CAST(operations.operation_id AS UUID) AS operation_id, (SELECT namespaces.name
FROM namespaces
WHERE namespaces.namespace_key = operations.namespace_key) AS namespace, operations.operation_type, operations.state, operations.is_pending, operations.created_at, operations.updated_at, operations.request_id, operations.payload
FROM operations
WHERE operations.operation_id IN (%s);


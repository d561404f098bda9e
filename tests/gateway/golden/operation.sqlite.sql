SELECT objects.object_key, object_audiences.audience_key
FROM objects
JOIN object_audiences ON object_audiences.object_key = objects.object_key
WHERE objects.object_type = ? AND objects.object_id = ? AND objects.namespace = ?
ORDER BY objects.object_key, object_audiences.audience_key;

SELECT operation_targets.operation_key, operation_targets.namespace, operation_targets.object_type, operation_targets.object_id
FROM operation_targets
WHERE operation_targets.operation_key IN (?);

SELECT operations.operation_key, CASE WHEN operations.operation_id IS NULL THEN NULL ELSE substr(lower(hex(operations.operation_id)), 1, 8) || '-' || substr(lower(hex(operations.operation_id)), 9, 4) || '-' || substr(lower(hex(operations.operation_id)), 13, 4) || '-' || substr(lower(hex(operations.operation_id)), 17, 4) || '-' || substr(lower(hex(operations.operation_id)), 21, 12) END AS operation_id, (SELECT namespaces.name
FROM namespaces
WHERE namespaces.namespace_key = operations.namespace_key) AS namespace, operations.operation_type, operations.state, operations.is_pending, operations.created_at, operations.updated_at, operations.request_id, operations.payload
FROM operations
WHERE operations.operation_id IN (?);


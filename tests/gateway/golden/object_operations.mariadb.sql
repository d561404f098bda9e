SELECT DISTINCT operation_targets.namespace, operation_targets.object_type, operation_targets.object_id
FROM operation_targets FORCE INDEX (ix_operation_targets_object)
WHERE operation_targets.is_pending = %s
ORDER BY operation_targets.namespace ASC, operation_targets.object_type ASC, operation_targets.object_id ASC
LIMIT %s;

SELECT STRAIGHT_JOIN page.namespace, page.object_type, page.object_id, operations.operation_key, CAST(operations.operation_id AS UUID) AS operation_id, (SELECT namespaces.name
FROM namespaces
WHERE namespaces.namespace_key = operations.namespace_key) AS namespace, operations.operation_type, operations.state, operations.is_pending, operations.created_at, operations.updated_at, operations.request_id, operations.payload
FROM ((SELECT operation_targets.operation_key AS operation_key, objects.namespace AS namespace, objects.object_type AS object_type, objects.object_id AS object_id
FROM operation_targets FORCE INDEX (PRIMARY), objects
WHERE operation_targets.object_key = objects.object_key AND objects.namespace = %s AND objects.object_type = %s AND objects.object_id = %s
ORDER BY operation_targets.operation_key ASC
LIMIT %s)
UNION ALL (SELECT operation_targets.operation_key AS operation_key, objects.namespace AS namespace, objects.object_type AS object_type, objects.object_id AS object_id
FROM operation_targets FORCE INDEX (PRIMARY), objects
WHERE operation_targets.object_key = objects.object_key AND objects.namespace = %s AND objects.object_type = %s AND objects.object_id = %s
ORDER BY operation_targets.operation_key ASC
LIMIT %s)
UNION ALL (SELECT operation_targets.operation_key AS operation_key, objects.namespace AS namespace, objects.object_type AS object_type, objects.object_id AS object_id
FROM operation_targets FORCE INDEX (PRIMARY), objects
WHERE operation_targets.object_key = objects.object_key AND objects.namespace = %s AND objects.object_type = %s AND objects.object_id = %s
ORDER BY operation_targets.operation_key ASC
LIMIT %s)
UNION ALL (SELECT operation_targets.operation_key AS operation_key, objects.namespace AS namespace, objects.object_type AS object_type, objects.object_id AS object_id
FROM operation_targets FORCE INDEX (PRIMARY), objects
WHERE operation_targets.object_key = objects.object_key AND objects.namespace = %s AND objects.object_type = %s AND objects.object_id = %s
ORDER BY operation_targets.operation_key ASC
LIMIT %s)
UNION ALL (SELECT operation_targets.operation_key AS operation_key, objects.namespace AS namespace, objects.object_type AS object_type, objects.object_id AS object_id
FROM operation_targets FORCE INDEX (PRIMARY), objects
WHERE operation_targets.object_key = objects.object_key AND objects.namespace = %s AND objects.object_type = %s AND objects.object_id = %s
ORDER BY operation_targets.operation_key ASC
LIMIT %s)) AS page
INNER JOIN operations ON operations.operation_key = page.operation_key;

SELECT STRAIGHT_JOIN page.namespace, page.object_type, page.object_id, operations.operation_key, CAST(operations.operation_id AS UUID) AS operation_id, (SELECT namespaces.name
FROM namespaces
WHERE namespaces.namespace_key = operations.namespace_key) AS namespace, operations.operation_type, operations.state, operations.is_pending, operations.created_at, operations.updated_at, operations.request_id, operations.payload
FROM ((SELECT operation_targets.operation_key AS operation_key, objects.namespace AS namespace, objects.object_type AS object_type, objects.object_id AS object_id
FROM operation_targets FORCE INDEX (ix_operation_targets_pending), objects
WHERE operation_targets.object_key = objects.object_key AND operation_targets.is_pending = %s AND objects.namespace = %s AND objects.object_type = %s AND objects.object_id = %s
ORDER BY operation_targets.operation_key DESC
LIMIT %s)
UNION ALL (SELECT operation_targets.operation_key AS operation_key, objects.namespace AS namespace, objects.object_type AS object_type, objects.object_id AS object_id
FROM operation_targets FORCE INDEX (ix_operation_targets_pending), objects
WHERE operation_targets.object_key = objects.object_key AND operation_targets.is_pending = %s AND objects.namespace = %s AND objects.object_type = %s AND objects.object_id = %s
ORDER BY operation_targets.operation_key DESC
LIMIT %s)
UNION ALL (SELECT operation_targets.operation_key AS operation_key, objects.namespace AS namespace, objects.object_type AS object_type, objects.object_id AS object_id
FROM operation_targets FORCE INDEX (ix_operation_targets_pending), objects
WHERE operation_targets.object_key = objects.object_key AND operation_targets.is_pending = %s AND objects.namespace = %s AND objects.object_type = %s AND objects.object_id = %s
ORDER BY operation_targets.operation_key DESC
LIMIT %s)
UNION ALL (SELECT operation_targets.operation_key AS operation_key, objects.namespace AS namespace, objects.object_type AS object_type, objects.object_id AS object_id
FROM operation_targets FORCE INDEX (ix_operation_targets_pending), objects
WHERE operation_targets.object_key = objects.object_key AND operation_targets.is_pending = %s AND objects.namespace = %s AND objects.object_type = %s AND objects.object_id = %s
ORDER BY operation_targets.operation_key DESC
LIMIT %s)
UNION ALL (SELECT operation_targets.operation_key AS operation_key, objects.namespace AS namespace, objects.object_type AS object_type, objects.object_id AS object_id
FROM operation_targets FORCE INDEX (ix_operation_targets_pending), objects
WHERE operation_targets.object_key = objects.object_key AND operation_targets.is_pending = %s AND objects.namespace = %s AND objects.object_type = %s AND objects.object_id = %s
ORDER BY operation_targets.operation_key DESC
LIMIT %s)) AS page
INNER JOIN operations ON operations.operation_key = page.operation_key;

SELECT STRAIGHT_JOIN page.namespace, page.object_type, page.object_id, operations.operation_key, CAST(operations.operation_id AS UUID) AS operation_id, (SELECT namespaces.name
FROM namespaces
WHERE namespaces.namespace_key = operations.namespace_key) AS namespace, operations.operation_type, operations.state, operations.is_pending, operations.created_at, operations.updated_at, operations.request_id, operations.payload
FROM (SELECT objects.namespace AS namespace, objects.object_type AS object_type, objects.object_id AS object_id, (SELECT operation_targets.operation_key
FROM operation_targets FORCE INDEX (PRIMARY)
WHERE operation_targets.object_key = objects.object_key
ORDER BY operation_targets.operation_key DESC
LIMIT %s) AS operation_key
FROM objects
WHERE objects.namespace = %s AND objects.object_type = %s AND objects.object_id IN (%s) OR objects.namespace = %s AND objects.object_type = %s AND objects.object_id IN (%s) OR objects.namespace = %s AND objects.object_type = %s AND objects.object_id IN (%s)) AS page
INNER JOIN operations ON operations.operation_key = page.operation_key;

SELECT objects.namespace, objects.object_type, objects.object_id
FROM objects
WHERE (objects.namespace = %s AND objects.object_type = %s AND objects.object_id IN (%s) OR objects.namespace = %s AND objects.object_type = %s AND objects.object_id IN (%s) OR objects.namespace = %s AND objects.object_type = %s AND objects.object_id IN (%s)) AND (SELECT operation_targets.operation_key
FROM operation_targets FORCE INDEX (ix_operation_targets_pending)
WHERE operation_targets.object_key = objects.object_key AND operation_targets.is_pending = %s
LIMIT %s) IS NOT NULL;

SELECT objects.namespace, objects.object_type, objects.object_id, (SELECT reference.occurred_at
FROM event_objects AS reference
WHERE reference.object_key = object_audiences.object_key AND reference.audience_key = object_audiences.audience_key
ORDER BY reference.occurred_at
LIMIT %s) AS first_at, (SELECT reference.occurred_at
FROM event_objects AS reference
WHERE reference.object_key = object_audiences.object_key AND reference.audience_key = object_audiences.audience_key
ORDER BY reference.occurred_at DESC
LIMIT %s) AS last_at
FROM objects
INNER JOIN object_audiences ON object_audiences.object_key = objects.object_key
WHERE objects.namespace = %s AND objects.object_type = %s AND objects.object_id = %s OR objects.namespace = %s AND objects.object_type = %s AND objects.object_id = %s OR objects.namespace = %s AND objects.object_type = %s AND objects.object_id = %s;

SELECT operation_targets.namespace, operation_targets.object_type, operation_targets.object_id
FROM operation_targets FORCE INDEX (ix_operation_targets_object)
WHERE operation_targets.is_pending = %s
ORDER BY operation_targets.namespace ASC, operation_targets.object_type ASC, operation_targets.object_id ASC
LIMIT %s, %s;


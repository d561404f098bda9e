SELECT objects.namespace, objects.object_type, objects.object_id
FROM objects FORCE INDEX (ix_objects_type)
WHERE objects.object_type = %s AND substr(objects.object_id, %s, %s) = %s AND (SELECT event_objects.object_key
FROM event_objects
WHERE event_objects.object_key = objects.object_key
LIMIT %s) IS NOT NULL
ORDER BY objects.namespace ASC, objects.object_id ASC
LIMIT %s;

SELECT objects.namespace, objects.object_type, objects.object_id
FROM objects FORCE INDEX (ix_objects_type)
WHERE objects.object_type = %s
ORDER BY objects.namespace ASC, objects.object_id ASC
LIMIT %s, %s;

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
WHERE objects.namespace = %s AND objects.object_type = %s AND objects.object_id = %s OR objects.namespace = %s AND objects.object_type = %s AND objects.object_id = %s;


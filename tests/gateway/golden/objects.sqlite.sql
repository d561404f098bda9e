SELECT objects.namespace, objects.object_type, objects.object_id
FROM objects
WHERE objects.object_type = ? AND substr(objects.object_id, ?, ?) = ? AND (SELECT event_objects.object_key
FROM event_objects
WHERE event_objects.object_key = objects.object_key
LIMIT ? OFFSET ?) IS NOT NULL
ORDER BY objects.namespace ASC, objects.object_id ASC
LIMIT ? OFFSET ?;

SELECT objects.namespace, objects.object_type, objects.object_id
FROM objects
WHERE objects.object_type = ?
ORDER BY objects.namespace ASC, objects.object_id ASC
LIMIT ? OFFSET ?;

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
WHERE objects.namespace = ? AND objects.object_type = ? AND objects.object_id = ? OR objects.namespace = ? AND objects.object_type = ? AND objects.object_id = ?;


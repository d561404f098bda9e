SELECT CAST(event_objects.event_id AS UUID) AS event_id, event_objects.namespace_key, event_objects.role, objects.namespace, objects.object_type, objects.object_id
FROM event_objects
INNER JOIN objects ON objects.object_key = event_objects.object_key
WHERE event_objects.event_id IN (%s, %s, %s, %s, %s);

SELECT STRAIGHT_JOIN events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at, CAST(events.parent_id AS UUID) AS parent_id
FROM ((SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_parent)
WHERE events.parent_id = %s AND events.namespace_key = %s
ORDER BY events.occurred_at ASC, events.id ASC
LIMIT %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_parent)
WHERE events.parent_id = %s AND events.namespace_key = %s
ORDER BY events.occurred_at ASC, events.id ASC
LIMIT %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_parent)
WHERE events.parent_id = %s AND events.namespace_key = %s
ORDER BY events.occurred_at ASC, events.id ASC
LIMIT %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_parent)
WHERE events.parent_id = %s AND events.namespace_key = %s
ORDER BY events.occurred_at ASC, events.id ASC
LIMIT %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_parent)
WHERE events.parent_id = %s AND events.namespace_key = %s
ORDER BY events.occurred_at ASC, events.id ASC
LIMIT %s)) AS page
INNER JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at ASC, page.id ASC;

SELECT STRAIGHT_JOIN events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at, CAST(events.parent_id AS UUID) AS parent_id
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_namespace)
WHERE events.namespace_key = %s
ORDER BY events.occurred_at ASC, id ASC
LIMIT %s) AS page
INNER JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at ASC, page.id ASC;

SELECT events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at
FROM events
WHERE events.id IN (%s, %s, %s, %s, %s);

SELECT namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (%s)
ORDER BY namespaces.namespace_key
LIMIT %s;

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

WITH RECURSIVE chain(start_id, id, namespace_key, depth) AS (SELECT events.id AS start_id, events.parent_id AS id, events.namespace_key AS namespace_key, %s AS depth
FROM events
WHERE (events.id = %s AND events.namespace_key = %s OR events.id = %s AND events.namespace_key = %s OR events.id = %s AND events.namespace_key = %s OR events.id = %s AND events.namespace_key = %s OR events.id = %s AND events.namespace_key = %s) AND events.parent_id != events.id
UNION ALL SELECT chain.start_id AS start_id, parent.parent_id AS parent_id, chain.namespace_key AS namespace_key, chain.depth + %s AS anon_1
FROM chain
INNER JOIN events AS parent ON parent.id = chain.id AND parent.namespace_key = chain.namespace_key
WHERE chain.depth < %s AND parent.parent_id != chain.start_id) SELECT CAST(nearest.start_id AS UUID) AS start_id, nearest.depth, events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at
FROM (SELECT chain.start_id AS start_id, chain.id AS id, chain.namespace_key AS namespace_key, min(chain.depth) AS depth
FROM chain
GROUP BY chain.start_id, chain.id, chain.namespace_key) AS nearest
INNER JOIN events ON events.id = nearest.id AND events.namespace_key = nearest.namespace_key
WHERE true = 1;


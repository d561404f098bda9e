SELECT CASE WHEN event_objects.event_id IS NULL THEN NULL ELSE substr(lower(hex(event_objects.event_id)), 1, 8) || '-' || substr(lower(hex(event_objects.event_id)), 9, 4) || '-' || substr(lower(hex(event_objects.event_id)), 13, 4) || '-' || substr(lower(hex(event_objects.event_id)), 17, 4) || '-' || substr(lower(hex(event_objects.event_id)), 21, 12) END AS event_id, event_objects.namespace_key, event_objects.role, objects.namespace, objects.object_type, objects.object_id
FROM event_objects
JOIN objects ON objects.object_key = event_objects.object_key
WHERE event_objects.event_id IN (?, ?, ?, ?, ?);

SELECT events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at
FROM events
WHERE events.id IN (?, ?, ?, ?, ?);

SELECT events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at, CASE WHEN events.parent_id IS NULL THEN NULL ELSE substr(lower(hex(events.parent_id)), 1, 8) || '-' || substr(lower(hex(events.parent_id)), 9, 4) || '-' || substr(lower(hex(events.parent_id)), 13, 4) || '-' || substr(lower(hex(events.parent_id)), 17, 4) || '-' || substr(lower(hex(events.parent_id)), 21, 12) END AS parent_id
FROM (SELECT anon_1.occurred_at AS occurred_at, anon_1.id AS id, anon_1.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.parent_id = ? AND events.namespace_key = ?
ORDER BY events.occurred_at ASC, events.id ASC
LIMIT ? OFFSET ?) AS anon_1
UNION ALL SELECT anon_2.occurred_at AS occurred_at, anon_2.id AS id, anon_2.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.parent_id = ? AND events.namespace_key = ?
ORDER BY events.occurred_at ASC, events.id ASC
LIMIT ? OFFSET ?) AS anon_2
UNION ALL SELECT anon_3.occurred_at AS occurred_at, anon_3.id AS id, anon_3.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.parent_id = ? AND events.namespace_key = ?
ORDER BY events.occurred_at ASC, events.id ASC
LIMIT ? OFFSET ?) AS anon_3
UNION ALL SELECT anon_4.occurred_at AS occurred_at, anon_4.id AS id, anon_4.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.parent_id = ? AND events.namespace_key = ?
ORDER BY events.occurred_at ASC, events.id ASC
LIMIT ? OFFSET ?) AS anon_4
UNION ALL SELECT anon_5.occurred_at AS occurred_at, anon_5.id AS id, anon_5.namespace_key AS namespace_key
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.parent_id = ? AND events.namespace_key = ?
ORDER BY events.occurred_at ASC, events.id ASC
LIMIT ? OFFSET ?) AS anon_5) AS page
JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at ASC, page.id ASC;

SELECT events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at, CASE WHEN events.parent_id IS NULL THEN NULL ELSE substr(lower(hex(events.parent_id)), 1, 8) || '-' || substr(lower(hex(events.parent_id)), 9, 4) || '-' || substr(lower(hex(events.parent_id)), 13, 4) || '-' || substr(lower(hex(events.parent_id)), 17, 4) || '-' || substr(lower(hex(events.parent_id)), 21, 12) END AS parent_id
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.namespace_key = ?
ORDER BY events.occurred_at ASC, id ASC
LIMIT ? OFFSET ?) AS page
JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at ASC, page.id ASC;

SELECT namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (?)
ORDER BY namespaces.namespace_key
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
WHERE objects.namespace = ? AND objects.object_type = ? AND objects.object_id = ? OR objects.namespace = ? AND objects.object_type = ? AND objects.object_id = ? OR objects.namespace = ? AND objects.object_type = ? AND objects.object_id = ?;

WITH RECURSIVE chain(start_id, id, namespace_key, depth) AS (SELECT events.id AS start_id, events.parent_id AS id, events.namespace_key AS namespace_key, ? AS depth
FROM events
WHERE (events.id = ? AND events.namespace_key = ? OR events.id = ? AND events.namespace_key = ? OR events.id = ? AND events.namespace_key = ? OR events.id = ? AND events.namespace_key = ? OR events.id = ? AND events.namespace_key = ?) AND events.parent_id != events.id
UNION ALL SELECT chain.start_id AS start_id, parent.parent_id AS parent_id, chain.namespace_key AS namespace_key, chain.depth + ? AS anon_1
FROM chain
JOIN events AS parent ON parent.id = chain.id AND parent.namespace_key = chain.namespace_key
WHERE chain.depth < ? AND parent.parent_id != chain.start_id) SELECT CASE WHEN nearest.start_id IS NULL THEN NULL ELSE substr(lower(hex(nearest.start_id)), 1, 8) || '-' || substr(lower(hex(nearest.start_id)), 9, 4) || '-' || substr(lower(hex(nearest.start_id)), 13, 4) || '-' || substr(lower(hex(nearest.start_id)), 17, 4) || '-' || substr(lower(hex(nearest.start_id)), 21, 12) END AS start_id, nearest.depth, events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at
FROM (SELECT chain.start_id AS start_id, chain.id AS id, chain.namespace_key AS namespace_key, min(chain.depth) AS depth
FROM chain
GROUP BY chain.start_id, chain.id, chain.namespace_key) AS nearest
JOIN events ON events.id = nearest.id AND events.namespace_key = nearest.namespace_key
WHERE 1 = 1;


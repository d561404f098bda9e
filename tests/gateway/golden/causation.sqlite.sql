SELECT events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at
FROM events
WHERE events.id IN (?);

SELECT events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at, events.event_type, events.severity, events.duration_ms, events.success, CASE WHEN events.parent_id IS NULL THEN NULL ELSE substr(lower(hex(events.parent_id)), 1, 8) || '-' || substr(lower(hex(events.parent_id)), 9, 4) || '-' || substr(lower(hex(events.parent_id)), 13, 4) || '-' || substr(lower(hex(events.parent_id)), 17, 4) || '-' || substr(lower(hex(events.parent_id)), 21, 12) END AS parent_id
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.parent_id IN (?) AND +(events.namespace_key = ?)
ORDER BY events.parent_id, events.occurred_at, events.id
LIMIT ? OFFSET ?) AS generation
JOIN events ON events.id = generation.id AND events.namespace_key = generation.namespace_key;

SELECT events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at, events.event_type, events.severity, events.duration_ms, events.success, CASE WHEN events.parent_id IS NULL THEN NULL ELSE substr(lower(hex(events.parent_id)), 1, 8) || '-' || substr(lower(hex(events.parent_id)), 9, 4) || '-' || substr(lower(hex(events.parent_id)), 13, 4) || '-' || substr(lower(hex(events.parent_id)), 17, 4) || '-' || substr(lower(hex(events.parent_id)), 21, 12) END AS parent_id
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events
WHERE events.parent_id IN (?, ?) AND +(events.namespace_key = ?)
ORDER BY events.parent_id, events.occurred_at, events.id
LIMIT ? OFFSET ?) AS generation
JOIN events ON events.id = generation.id AND events.namespace_key = generation.namespace_key;

SELECT events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at, events.event_type, events.severity, events.duration_ms, events.success, CASE WHEN events.parent_id IS NULL THEN NULL ELSE substr(lower(hex(events.parent_id)), 1, 8) || '-' || substr(lower(hex(events.parent_id)), 9, 4) || '-' || substr(lower(hex(events.parent_id)), 13, 4) || '-' || substr(lower(hex(events.parent_id)), 17, 4) || '-' || substr(lower(hex(events.parent_id)), 21, 12) END AS parent_id
FROM events
WHERE events.id IN (?) AND events.namespace_key = ?;

WITH RECURSIVE chain(start_id, id, namespace_key, depth) AS (SELECT events.id AS start_id, events.parent_id AS id, events.namespace_key AS namespace_key, ? AS depth
FROM events
WHERE events.id = ? AND events.namespace_key = ? AND events.parent_id != events.id
UNION ALL SELECT chain.start_id AS start_id, parent.parent_id AS parent_id, chain.namespace_key AS namespace_key, chain.depth + ? AS anon_1
FROM chain
JOIN events AS parent ON parent.id = chain.id AND parent.namespace_key = chain.namespace_key
WHERE chain.depth < ? AND parent.parent_id != chain.start_id) SELECT CASE WHEN nearest.start_id IS NULL THEN NULL ELSE substr(lower(hex(nearest.start_id)), 1, 8) || '-' || substr(lower(hex(nearest.start_id)), 9, 4) || '-' || substr(lower(hex(nearest.start_id)), 13, 4) || '-' || substr(lower(hex(nearest.start_id)), 17, 4) || '-' || substr(lower(hex(nearest.start_id)), 21, 12) END AS start_id, nearest.depth, events.audience_key, CASE WHEN events.id IS NULL THEN NULL ELSE substr(lower(hex(events.id)), 1, 8) || '-' || substr(lower(hex(events.id)), 9, 4) || '-' || substr(lower(hex(events.id)), 13, 4) || '-' || substr(lower(hex(events.id)), 17, 4) || '-' || substr(lower(hex(events.id)), 21, 12) END AS id, events.occurred_at, events.event_type, events.severity, events.duration_ms, events.success, CASE WHEN events.parent_id IS NULL THEN NULL ELSE substr(lower(hex(events.parent_id)), 1, 8) || '-' || substr(lower(hex(events.parent_id)), 9, 4) || '-' || substr(lower(hex(events.parent_id)), 13, 4) || '-' || substr(lower(hex(events.parent_id)), 17, 4) || '-' || substr(lower(hex(events.parent_id)), 21, 12) END AS parent_id
FROM (SELECT chain.start_id AS start_id, chain.id AS id, chain.namespace_key AS namespace_key, min(chain.depth) AS depth
FROM chain
GROUP BY chain.start_id, chain.id, chain.namespace_key) AS nearest
JOIN events ON events.id = nearest.id AND events.namespace_key = nearest.namespace_key
WHERE 1 = 1;


SELECT STRAIGHT_JOIN events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at, events.event_type, events.severity, events.duration_ms, events.success, CAST(events.parent_id AS UUID) AS parent_id
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_parent)
WHERE events.parent_id IN (%s) AND (events.namespace_key = %s)
ORDER BY events.parent_id, events.occurred_at, events.id
LIMIT %s) AS generation
INNER JOIN events ON events.id = generation.id AND events.namespace_key = generation.namespace_key;

SELECT STRAIGHT_JOIN events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at, events.event_type, events.severity, events.duration_ms, events.success, CAST(events.parent_id AS UUID) AS parent_id
FROM (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_parent)
WHERE events.parent_id IN (%s, %s) AND (events.namespace_key = %s)
ORDER BY events.parent_id, events.occurred_at, events.id
LIMIT %s) AS generation
INNER JOIN events ON events.id = generation.id AND events.namespace_key = generation.namespace_key;

SELECT events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at
FROM events
WHERE events.id IN (%s);

SELECT events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at, events.event_type, events.severity, events.duration_ms, events.success, CAST(events.parent_id AS UUID) AS parent_id
FROM events
WHERE events.id IN (%s) AND events.namespace_key = %s;

WITH RECURSIVE chain(start_id, id, namespace_key, depth) AS (SELECT events.id AS start_id, events.parent_id AS id, events.namespace_key AS namespace_key, %s AS depth
FROM events
WHERE events.id = %s AND events.namespace_key = %s AND events.parent_id != events.id
UNION ALL SELECT chain.start_id AS start_id, parent.parent_id AS parent_id, chain.namespace_key AS namespace_key, chain.depth + %s AS anon_1
FROM chain
INNER JOIN events AS parent ON parent.id = chain.id AND parent.namespace_key = chain.namespace_key
WHERE chain.depth < %s AND parent.parent_id != chain.start_id) SELECT CAST(nearest.start_id AS UUID) AS start_id, nearest.depth, events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at, events.event_type, events.severity, events.duration_ms, events.success, CAST(events.parent_id AS UUID) AS parent_id
FROM (SELECT chain.start_id AS start_id, chain.id AS id, chain.namespace_key AS namespace_key, min(chain.depth) AS depth
FROM chain
GROUP BY chain.start_id, chain.id, chain.namespace_key) AS nearest
INNER JOIN events ON events.id = nearest.id AND events.namespace_key = nearest.namespace_key
WHERE true = 1;


INSERT INTO deletions (deletion_id, kind, state, requested_by, reason, filter, selection, bound, matched, matched_references, recounted, recounted_references, deleted, deleted_references, place, sample, created_at, started_at, finished_at, expires_at, error)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

SELECT CAST(deletions.deletion_id AS UUID) AS deletion_id, deletions.kind, deletions.state, deletions.requested_by, deletions.reason, deletions.filter, deletions.selection, deletions.bound, deletions.matched, deletions.matched_references, deletions.recounted, deletions.recounted_references, deletions.deleted, deletions.deleted_references, deletions.place, deletions.sample, deletions.created_at, deletions.started_at, deletions.finished_at, deletions.expires_at, deletions.error
FROM deletions
WHERE deletions.deletion_id = %s;

SELECT STRAIGHT_JOIN events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at, events.repeat_count
FROM (SELECT merged.occurred_at AS occurred_at, merged.id AS id, merged.namespace_key AS namespace_key
FROM ((SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_event_type)
WHERE events.audience_key = %s AND events.event_type = %s AND (events.actor IN (%s)) IS NOT true AND (events.namespace_key IN (SELECT namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (%s))) IS NOT true AND NOT (EXISTS (SELECT *
FROM ingest_batches
WHERE ingest_batches.batch_key = events.batch_key AND (ingest_batches.`position` IS NULL OR ingest_batches.`position` > %s)))
ORDER BY events.occurred_at ASC, id ASC
LIMIT %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_event_type)
WHERE events.audience_key = %s AND events.event_type = %s AND (events.actor IN (%s)) IS NOT true AND (events.namespace_key IN (SELECT namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (%s))) IS NOT true AND NOT (EXISTS (SELECT *
FROM ingest_batches
WHERE ingest_batches.batch_key = events.batch_key AND (ingest_batches.`position` IS NULL OR ingest_batches.`position` > %s)))
ORDER BY events.occurred_at ASC, id ASC
LIMIT %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_event_type)
WHERE events.audience_key = %s AND events.event_type = %s AND (events.actor IN (%s)) IS NOT true AND (events.namespace_key IN (SELECT namespaces.namespace_key
FROM namespaces
WHERE namespaces.name IN (%s))) IS NOT true AND NOT (EXISTS (SELECT *
FROM ingest_batches
WHERE ingest_batches.batch_key = events.batch_key AND (ingest_batches.`position` IS NULL OR ingest_batches.`position` > %s)))
ORDER BY events.occurred_at ASC, id ASC
LIMIT %s)) AS merged
ORDER BY merged.occurred_at ASC, merged.id ASC
LIMIT %s) AS page
INNER JOIN events ON events.id = page.id AND events.namespace_key = page.namespace_key
ORDER BY page.occurred_at ASC, page.id ASC;

SELECT audiences.audience_key
FROM audiences
WHERE true = 1
ORDER BY audiences.audience_key
LIMIT %s;

SELECT ends.occurred_at, CAST(ends.id AS UUID) AS id, ends.namespace_key
FROM ((SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_event_type)
WHERE events.audience_key = %s AND events.event_type = %s
ORDER BY events.occurred_at ASC, id ASC
LIMIT %s, %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_event_type)
WHERE events.audience_key = %s AND events.event_type = %s
ORDER BY events.occurred_at ASC, id ASC
LIMIT %s, %s)
UNION ALL (SELECT events.occurred_at AS occurred_at, events.id AS id, events.namespace_key AS namespace_key
FROM events FORCE INDEX (ix_events_event_type)
WHERE events.audience_key = %s AND events.event_type = %s
ORDER BY events.occurred_at ASC, id ASC
LIMIT %s, %s)) AS ends
ORDER BY ends.occurred_at ASC, ends.id ASC
LIMIT %s;

SELECT events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at, events.message
FROM events
WHERE events.id IN (%s, %s);

SELECT ingest_batches.batch_key
FROM ingest_batches FORCE INDEX (uq_ingest_batches_position)
WHERE ingest_batches.`position` IS NULL
ORDER BY ingest_batches.batch_key DESC
LIMIT %s;

SELECT leases.high_water
FROM leases
WHERE leases.name = %s;


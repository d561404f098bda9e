SELECT STRAIGHT_JOIN found.branch, count(*) AS count_1, sum(events.repeat_count) AS sum_1, min(found.occurred_at) AS min_1
FROM ((SELECT 0 AS branch, event_objects.occurred_at AS occurred_at, event_objects.event_id AS event_id, event_objects.namespace_key AS namespace_key
FROM event_objects FORCE INDEX (ix_event_objects_severity)
WHERE event_objects.object_key = %s AND event_objects.audience_key = %s AND event_objects.severity = %s AND ((event_objects.occurred_at > %s) OR event_objects.occurred_at = %s AND ((event_objects.event_id > %s) OR event_objects.event_id = %s AND (event_objects.namespace_key > %s))) AND ((event_objects.occurred_at < %s) OR event_objects.occurred_at = %s AND ((event_objects.event_id < %s) OR event_objects.event_id = %s AND (event_objects.namespace_key <= %s)))
ORDER BY event_objects.occurred_at DESC, event_objects.event_id DESC, event_objects.namespace_key DESC
LIMIT %s)
UNION ALL (SELECT 1 AS branch, event_objects.occurred_at AS occurred_at, event_objects.event_id AS event_id, event_objects.namespace_key AS namespace_key
FROM event_objects FORCE INDEX (ix_event_objects_severity)
WHERE event_objects.object_key = %s AND event_objects.audience_key = %s AND event_objects.severity = %s AND ((event_objects.occurred_at > %s) OR event_objects.occurred_at = %s AND ((event_objects.event_id > %s) OR event_objects.event_id = %s AND (event_objects.namespace_key > %s))) AND ((event_objects.occurred_at < %s) OR event_objects.occurred_at = %s AND ((event_objects.event_id < %s) OR event_objects.event_id = %s AND (event_objects.namespace_key <= %s)))
ORDER BY event_objects.occurred_at DESC, event_objects.event_id DESC, event_objects.namespace_key DESC
LIMIT %s)
UNION ALL (SELECT 2 AS branch, event_objects.occurred_at AS occurred_at, event_objects.event_id AS event_id, event_objects.namespace_key AS namespace_key
FROM event_objects FORCE INDEX (ix_event_objects_severity)
WHERE event_objects.object_key = %s AND event_objects.audience_key = %s AND event_objects.severity = %s AND ((event_objects.occurred_at > %s) OR event_objects.occurred_at = %s AND ((event_objects.event_id > %s) OR event_objects.event_id = %s AND (event_objects.namespace_key > %s))) AND ((event_objects.occurred_at < %s) OR event_objects.occurred_at = %s AND ((event_objects.event_id < %s) OR event_objects.event_id = %s AND (event_objects.namespace_key <= %s)))
ORDER BY event_objects.occurred_at DESC, event_objects.event_id DESC, event_objects.namespace_key DESC
LIMIT %s)) AS found
INNER JOIN events ON events.id = found.event_id AND events.namespace_key = found.namespace_key
GROUP BY found.branch;

SELECT STRAIGHT_JOIN objects.namespace, objects.object_type, objects.object_id, namespaces.name, problem.object_key, problem.last_error, problem.last_success, problem.earlier, closing.dismissed_by, closing.dismissed_until
FROM (SELECT ends.object_key AS object_key, ends.last_error AS last_error, ends.last_success AS last_success, (SELECT CONCAT(LPAD(last_dismissal.occurred_at, 18, '0'), HEX(last_dismissal.event_id), LPAD(last_dismissal.namespace_key, 10, '0')) AS anon_1
FROM problem_dismissals AS last_dismissal FORCE INDEX (PRIMARY)
WHERE last_dismissal.object_key = ends.object_key AND (last_dismissal.dismissed_until IS NULL OR last_dismissal.dismissed_until > %s) AND (EXISTS (SELECT dismissed.object_key
FROM event_objects AS dismissed FORCE INDEX (ix_event_objects_event)
WHERE dismissed.event_id = last_dismissal.event_id AND dismissed.namespace_key = last_dismissal.namespace_key AND dismissed.object_key = last_dismissal.object_key))
ORDER BY last_dismissal.occurred_at DESC, last_dismissal.event_id DESC, last_dismissal.namespace_key DESC
LIMIT %s) AS dismissal, (SELECT CONCAT(LPAD(earlier_dismissal.occurred_at, 18, '0'), HEX(earlier_dismissal.event_id), LPAD(earlier_dismissal.namespace_key, 10, '0')) AS anon_2
FROM problem_dismissals AS earlier_dismissal FORCE INDEX (PRIMARY)
WHERE earlier_dismissal.object_key = ends.object_key AND (earlier_dismissal.dismissed_until IS NULL OR earlier_dismissal.dismissed_until > %s) AND (EXISTS (SELECT dismissed_earlier.object_key
FROM event_objects AS dismissed_earlier FORCE INDEX (ix_event_objects_event)
WHERE dismissed_earlier.event_id = earlier_dismissal.event_id AND dismissed_earlier.namespace_key = earlier_dismissal.namespace_key AND dismissed_earlier.object_key = earlier_dismissal.object_key)) AND CONCAT(LPAD(earlier_dismissal.occurred_at, 18, '0'), HEX(earlier_dismissal.event_id), LPAD(earlier_dismissal.namespace_key, 10, '0')) < ends.last_error
ORDER BY earlier_dismissal.occurred_at DESC, earlier_dismissal.event_id DESC, earlier_dismissal.namespace_key DESC
LIMIT %s) AS earlier
FROM (SELECT pair.object_key AS object_key, max(pair.error) AS last_error, max(pair.success) AS last_success
FROM (SELECT object_audiences.object_key AS object_key, object_audiences.audience_key AS audience_key, GREATEST(coalesce((SELECT CONCAT(LPAD(last_severity_3.occurred_at, 18, '0'), HEX(last_severity_3.event_id), LPAD(last_severity_3.namespace_key, 10, '0')) AS anon_3
FROM event_objects AS last_severity_3 FORCE INDEX (ix_event_objects_severity)
WHERE last_severity_3.object_key = object_audiences.object_key AND last_severity_3.audience_key = object_audiences.audience_key AND last_severity_3.severity = %s
ORDER BY last_severity_3.occurred_at DESC, last_severity_3.event_id DESC, last_severity_3.namespace_key DESC
LIMIT %s), ''), coalesce((SELECT CONCAT(LPAD(last_severity_4.occurred_at, 18, '0'), HEX(last_severity_4.event_id), LPAD(last_severity_4.namespace_key, 10, '0')) AS anon_4
FROM event_objects AS last_severity_4 FORCE INDEX (ix_event_objects_severity)
WHERE last_severity_4.object_key = object_audiences.object_key AND last_severity_4.audience_key = object_audiences.audience_key AND last_severity_4.severity = %s
ORDER BY last_severity_4.occurred_at DESC, last_severity_4.event_id DESC, last_severity_4.namespace_key DESC
LIMIT %s), ''), coalesce((SELECT CONCAT(LPAD(last_severity_5.occurred_at, 18, '0'), HEX(last_severity_5.event_id), LPAD(last_severity_5.namespace_key, 10, '0')) AS anon_5
FROM event_objects AS last_severity_5 FORCE INDEX (ix_event_objects_severity)
WHERE last_severity_5.object_key = object_audiences.object_key AND last_severity_5.audience_key = object_audiences.audience_key AND last_severity_5.severity = %s
ORDER BY last_severity_5.occurred_at DESC, last_severity_5.event_id DESC, last_severity_5.namespace_key DESC
LIMIT %s), '')) AS error, coalesce((SELECT CONCAT(LPAD(last_success_1.occurred_at, 18, '0'), HEX(last_success_1.event_id), LPAD(last_success_1.namespace_key, 10, '0')) AS anon_6
FROM event_objects AS last_success_1 FORCE INDEX (ix_event_objects_success)
WHERE last_success_1.object_key = object_audiences.object_key AND last_success_1.audience_key = object_audiences.audience_key AND last_success_1.success = %s
ORDER BY last_success_1.occurred_at DESC, last_success_1.event_id DESC, last_success_1.namespace_key DESC
LIMIT %s), '') AS success
FROM objects
INNER JOIN object_audiences ON object_audiences.object_key = objects.object_key
WHERE objects.namespace = %s AND objects.object_type = %s AND objects.object_id = %s) AS pair
GROUP BY pair.object_key HAVING max(pair.error) > max(pair.success)) AS ends) AS problem
INNER JOIN objects ON objects.object_key = problem.object_key
INNER JOIN namespaces ON namespaces.namespace_key = CAST(substr(problem.last_error, %s, %s) AS SIGNED INTEGER) LEFT OUTER
JOIN problem_dismissals AS closing FORCE INDEX (PRIMARY) ON closing.object_key = problem.object_key AND CONCAT(LPAD(closing.occurred_at, 18, '0'), HEX(closing.event_id), LPAD(closing.namespace_key, 10, '0')) = problem.dismissal AND problem.dismissal >= problem.last_error
WHERE problem.dismissal IS NULL OR problem.dismissal < problem.last_error
ORDER BY substr(problem.last_error, %s, %s) DESC, namespaces.name DESC, objects.namespace ASC, objects.object_type ASC, objects.object_id ASC
LIMIT %s;

SELECT STRAIGHT_JOIN objects.namespace, objects.object_type, objects.object_id, namespaces.name, problem.object_key, problem.last_error, problem.last_success, problem.earlier, closing.dismissed_by, closing.dismissed_until
FROM (SELECT ends.object_key AS object_key, ends.last_error AS last_error, ends.last_success AS last_success, (SELECT CONCAT(LPAD(last_dismissal.occurred_at, 18, '0'), HEX(last_dismissal.event_id), LPAD(last_dismissal.namespace_key, 10, '0')) AS anon_1
FROM problem_dismissals AS last_dismissal FORCE INDEX (PRIMARY)
WHERE last_dismissal.object_key = ends.object_key AND (last_dismissal.dismissed_until IS NULL OR last_dismissal.dismissed_until > %s) AND (EXISTS (SELECT dismissed.object_key
FROM event_objects AS dismissed FORCE INDEX (ix_event_objects_event)
WHERE dismissed.event_id = last_dismissal.event_id AND dismissed.namespace_key = last_dismissal.namespace_key AND dismissed.object_key = last_dismissal.object_key))
ORDER BY last_dismissal.occurred_at DESC, last_dismissal.event_id DESC, last_dismissal.namespace_key DESC
LIMIT %s) AS dismissal, (SELECT CONCAT(LPAD(earlier_dismissal.occurred_at, 18, '0'), HEX(earlier_dismissal.event_id), LPAD(earlier_dismissal.namespace_key, 10, '0')) AS anon_2
FROM problem_dismissals AS earlier_dismissal FORCE INDEX (PRIMARY)
WHERE earlier_dismissal.object_key = ends.object_key AND (earlier_dismissal.dismissed_until IS NULL OR earlier_dismissal.dismissed_until > %s) AND (EXISTS (SELECT dismissed_earlier.object_key
FROM event_objects AS dismissed_earlier FORCE INDEX (ix_event_objects_event)
WHERE dismissed_earlier.event_id = earlier_dismissal.event_id AND dismissed_earlier.namespace_key = earlier_dismissal.namespace_key AND dismissed_earlier.object_key = earlier_dismissal.object_key)) AND CONCAT(LPAD(earlier_dismissal.occurred_at, 18, '0'), HEX(earlier_dismissal.event_id), LPAD(earlier_dismissal.namespace_key, 10, '0')) < ends.last_error
ORDER BY earlier_dismissal.occurred_at DESC, earlier_dismissal.event_id DESC, earlier_dismissal.namespace_key DESC
LIMIT %s) AS earlier
FROM (SELECT pair.object_key AS object_key, max(pair.error) AS last_error, max(pair.success) AS last_success
FROM (SELECT object_audiences.object_key AS object_key, object_audiences.audience_key AS audience_key, GREATEST(coalesce((SELECT CONCAT(LPAD(last_severity_4.occurred_at, 18, '0'), HEX(last_severity_4.event_id), LPAD(last_severity_4.namespace_key, 10, '0')) AS anon_3
FROM event_objects AS last_severity_4 FORCE INDEX (ix_event_objects_severity)
WHERE last_severity_4.object_key = object_audiences.object_key AND last_severity_4.audience_key = object_audiences.audience_key AND last_severity_4.severity = %s
ORDER BY last_severity_4.occurred_at DESC, last_severity_4.event_id DESC, last_severity_4.namespace_key DESC
LIMIT %s), ''), coalesce((SELECT CONCAT(LPAD(last_severity_5.occurred_at, 18, '0'), HEX(last_severity_5.event_id), LPAD(last_severity_5.namespace_key, 10, '0')) AS anon_4
FROM event_objects AS last_severity_5 FORCE INDEX (ix_event_objects_severity)
WHERE last_severity_5.object_key = object_audiences.object_key AND last_severity_5.audience_key = object_audiences.audience_key AND last_severity_5.severity = %s
ORDER BY last_severity_5.occurred_at DESC, last_severity_5.event_id DESC, last_severity_5.namespace_key DESC
LIMIT %s), '')) AS error, coalesce((SELECT CONCAT(LPAD(last_success_1.occurred_at, 18, '0'), HEX(last_success_1.event_id), LPAD(last_success_1.namespace_key, 10, '0')) AS anon_5
FROM event_objects AS last_success_1 FORCE INDEX (ix_event_objects_success)
WHERE last_success_1.object_key = object_audiences.object_key AND last_success_1.audience_key = object_audiences.audience_key AND last_success_1.success = %s
ORDER BY last_success_1.occurred_at DESC, last_success_1.event_id DESC, last_success_1.namespace_key DESC
LIMIT %s), '') AS success
FROM object_audiences) AS pair
GROUP BY pair.object_key HAVING max(pair.error) > max(pair.success)) AS ends) AS problem
INNER JOIN objects ON objects.object_key = problem.object_key
INNER JOIN namespaces ON namespaces.namespace_key = CAST(substr(problem.last_error, %s, %s) AS SIGNED INTEGER) LEFT OUTER
JOIN problem_dismissals AS closing FORCE INDEX (PRIMARY) ON closing.object_key = problem.object_key AND CONCAT(LPAD(closing.occurred_at, 18, '0'), HEX(closing.event_id), LPAD(closing.namespace_key, 10, '0')) = problem.dismissal AND problem.dismissal >= problem.last_error
WHERE problem.dismissal IS NULL OR problem.dismissal < problem.last_error
ORDER BY substr(problem.last_error, %s, %s) DESC, namespaces.name DESC, objects.namespace ASC, objects.object_type ASC, objects.object_id ASC
LIMIT %s;

SELECT count(*) AS count_1
FROM (SELECT object_audiences.object_key AS object_key, object_audiences.audience_key AS audience_key
FROM object_audiences
LIMIT %s) AS pair;

SELECT events.audience_key, CAST(events.id AS UUID) AS id, events.occurred_at, events.severity, events.message
FROM events
WHERE events.id IN (%s);

SELECT object_audiences.object_key, object_audiences.audience_key
FROM object_audiences
WHERE object_audiences.object_key IN (%s);


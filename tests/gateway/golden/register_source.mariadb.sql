INSERT INTO registrations (registration_id, namespace_key, source, generation, started_at)
VALUES (%s, %s, %s, %s, %s);

SELECT CAST(registrations.registration_id AS UUID) AS registration_id, registrations.namespace_key, namespaces.name, registrations.source, registrations.generation, registrations.started_at, registrations.ended_at, NOT (EXISTS (SELECT newer.generation
FROM registrations AS newer
WHERE newer.namespace_key = registrations.namespace_key AND newer.source = registrations.source AND newer.generation > registrations.generation)) AS is_current
FROM registrations
INNER JOIN namespaces ON namespaces.namespace_key = registrations.namespace_key
WHERE registrations.registration_id IN (%s);

SELECT CAST(registrations.registration_id AS UUID) AS registration_id, registrations.namespace_key, namespaces.name, registrations.source, registrations.generation, registrations.started_at, registrations.ended_at, NOT (EXISTS (SELECT newer.generation
FROM registrations AS newer
WHERE newer.namespace_key = registrations.namespace_key AND newer.source = registrations.source AND newer.generation > registrations.generation)) AS is_current
FROM registrations
INNER JOIN namespaces ON namespaces.namespace_key = registrations.namespace_key
WHERE registrations.registration_id IN (%s);

SELECT namespaces.namespace_key
FROM namespaces
WHERE namespaces.namespace_key = %s FOR UPDATE;

SELECT registrations.generation, registrations.started_at
FROM registrations
WHERE registrations.namespace_key = %s AND registrations.source = %s
ORDER BY registrations.generation DESC
LIMIT %s;

UPDATE registrations SET ended_at=%s
WHERE registrations.namespace_key = %s AND registrations.source = %s AND registrations.generation = %s;


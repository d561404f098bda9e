SELECT CAST(registrations.registration_id AS UUID) AS registration_id, registrations.namespace_key, namespaces.name, registrations.source, registrations.generation, registrations.started_at, registrations.ended_at, NOT (EXISTS (SELECT newer.generation
FROM registrations AS newer
WHERE newer.namespace_key = registrations.namespace_key AND newer.source = registrations.source AND newer.generation > registrations.generation)) AS is_current
FROM registrations FORCE INDEX (uq_registrations_namespace_key_source_generation)
INNER JOIN namespaces ON namespaces.namespace_key = registrations.namespace_key
WHERE registrations.namespace_key IN (%s) AND registrations.source = %s
ORDER BY registrations.registration_id DESC
LIMIT %s;


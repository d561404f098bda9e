BEGIN IMMEDIATE;

INSERT INTO registrations (registration_id, namespace_key, source, generation, started_at)
VALUES (?, ?, ?, ?, ?);

SELECT CASE WHEN registrations.registration_id IS NULL THEN NULL ELSE substr(lower(hex(registrations.registration_id)), 1, 8) || '-' || substr(lower(hex(registrations.registration_id)), 9, 4) || '-' || substr(lower(hex(registrations.registration_id)), 13, 4) || '-' || substr(lower(hex(registrations.registration_id)), 17, 4) || '-' || substr(lower(hex(registrations.registration_id)), 21, 12) END AS registration_id, registrations.namespace_key, namespaces.name, registrations.source, registrations.generation, registrations.started_at, registrations.ended_at, NOT (EXISTS (SELECT newer.generation
FROM registrations AS newer
WHERE newer.namespace_key = registrations.namespace_key AND newer.source = registrations.source AND newer.generation > registrations.generation)) AS is_current
FROM registrations
JOIN namespaces ON namespaces.namespace_key = registrations.namespace_key
WHERE registrations.registration_id IN (?);

SELECT CASE WHEN registrations.registration_id IS NULL THEN NULL ELSE substr(lower(hex(registrations.registration_id)), 1, 8) || '-' || substr(lower(hex(registrations.registration_id)), 9, 4) || '-' || substr(lower(hex(registrations.registration_id)), 13, 4) || '-' || substr(lower(hex(registrations.registration_id)), 17, 4) || '-' || substr(lower(hex(registrations.registration_id)), 21, 12) END AS registration_id, registrations.namespace_key, namespaces.name, registrations.source, registrations.generation, registrations.started_at, registrations.ended_at, NOT (EXISTS (SELECT newer.generation
FROM registrations AS newer
WHERE newer.namespace_key = registrations.namespace_key AND newer.source = registrations.source AND newer.generation > registrations.generation)) AS is_current
FROM registrations
JOIN namespaces ON namespaces.namespace_key = registrations.namespace_key
WHERE registrations.registration_id IN (?);

SELECT namespaces.namespace_key
FROM namespaces
WHERE namespaces.namespace_key = ?;

SELECT registrations.generation, registrations.started_at
FROM registrations
WHERE registrations.namespace_key = ? AND registrations.source = ?
ORDER BY registrations.generation DESC
LIMIT ? OFFSET ?;

UPDATE registrations SET ended_at=?
WHERE registrations.namespace_key = ? AND registrations.source = ? AND registrations.generation = ?;


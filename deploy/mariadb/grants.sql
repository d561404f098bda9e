-- Timeloom's database and its users. Run as an administrator of MariaDB 10.11 or newer, before the first migration or after:
--
--     sed -e 's/SERVE-PASSWORD/.../' -e 's/MIGRATE-PASSWORD/.../' -e 's/RETAIN-PASSWORD/.../' -e 's/BACKUP-PASSWORD/.../' \
--         grants.sql | mariadb
--
-- '%' is every host: name the gateways' hosts or network instead ('10.1.2.%'). Running it again, as an upgrade may ask for,
-- changes no password.

CREATE DATABASE IF NOT EXISTS timeloom CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- `timeloom serve` and `timeloom demo`: rows only, and no event is taken away. What is folded into counts is deleted.
CREATE USER IF NOT EXISTS 'timeloom_serve'@'%' IDENTIFIED BY 'SERVE-PASSWORD';
GRANT SELECT, INSERT, UPDATE ON timeloom.* TO 'timeloom_serve'@'%';
REVOKE DELETE ON timeloom.* FROM 'timeloom_serve'@'%';  -- an earlier version of this file gave it
-- With CREATE a right can be given on a table that is not there yet; it is taken back at once, here and below.
GRANT CREATE, DELETE ON timeloom.event_count_deltas TO 'timeloom_serve'@'%';
REVOKE CREATE ON timeloom.event_count_deltas FROM 'timeloom_serve'@'%';

-- `timeloom migrate`: tables, indexes and the view readable_events, and rows where a migration moves them.
CREATE USER IF NOT EXISTS 'timeloom_migrate'@'%' IDENTIFIED BY 'MIGRATE-PASSWORD';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, CREATE VIEW, SHOW VIEW
    ON timeloom.* TO 'timeloom_migrate'@'%';

-- Retention, which is to come: takes events away with what belongs to them, remembers their ids, writes the counts down,
-- and works under a lease. It makes no events and changes no table.
CREATE USER IF NOT EXISTS 'timeloom_retain'@'%' IDENTIFIED BY 'RETAIN-PASSWORD';
GRANT SELECT ON timeloom.* TO 'timeloom_retain'@'%';
GRANT CREATE, DELETE ON timeloom.events TO 'timeloom_retain'@'%';
GRANT CREATE, DELETE ON timeloom.event_objects TO 'timeloom_retain'@'%';
GRANT CREATE, DELETE ON timeloom.ingest_batches TO 'timeloom_retain'@'%';
GRANT CREATE, INSERT, DELETE ON timeloom.deleted_ids TO 'timeloom_retain'@'%';
GRANT CREATE, INSERT ON timeloom.event_count_deltas TO 'timeloom_retain'@'%';
GRANT CREATE, INSERT, UPDATE ON timeloom.leases TO 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.events FROM 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.event_objects FROM 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.ingest_batches FROM 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.deleted_ids FROM 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.event_count_deltas FROM 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.leases FROM 'timeloom_retain'@'%';

-- mariadb-dump: reads a snapshot.
CREATE USER IF NOT EXISTS 'timeloom_backup'@'%' IDENTIFIED BY 'BACKUP-PASSWORD';
GRANT SELECT, SHOW VIEW, LOCK TABLES ON timeloom.* TO 'timeloom_backup'@'%';

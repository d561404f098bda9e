-- Timeloom's database and its users. Run as an administrator of MariaDB 10.11 or newer, before the first migration or after:
--
--     sed -e 's/SERVE-PASSWORD/.../' -e 's/MIGRATE-PASSWORD/.../' -e 's/RETAIN-PASSWORD/.../' -e 's/BACKUP-PASSWORD/.../' \
--         grants.sql | mariadb
--
-- '%' is every host: name the gateways' hosts or network instead ('10.1.2.%'). Running it again, as an upgrade may ask for,
-- changes no password.

CREATE DATABASE IF NOT EXISTS timeloom CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- `timeloom serve` and `timeloom demo`: rows only, and no event is taken away. Counts that are folded or have come to nothing are
-- deleted, and policies of retention when they are.
CREATE USER IF NOT EXISTS 'timeloom_serve'@'%' IDENTIFIED BY 'SERVE-PASSWORD';
GRANT SELECT, INSERT, UPDATE ON timeloom.* TO 'timeloom_serve'@'%';
REVOKE DELETE ON timeloom.* FROM 'timeloom_serve'@'%';  -- an earlier version of this file gave it
-- With CREATE a right can be given on a table that is not there yet; it is taken back at once, here and below.
GRANT CREATE, DELETE ON timeloom.event_count_deltas TO 'timeloom_serve'@'%';
GRANT CREATE, DELETE ON timeloom.event_counts TO 'timeloom_serve'@'%';
GRANT CREATE, DELETE ON timeloom.event_hour_counts TO 'timeloom_serve'@'%';
GRANT CREATE, DELETE ON timeloom.event_day_counts TO 'timeloom_serve'@'%';
GRANT CREATE, DELETE ON timeloom.ingest_counts TO 'timeloom_serve'@'%';
GRANT CREATE, DELETE ON timeloom.retention_policies TO 'timeloom_serve'@'%';
REVOKE CREATE ON timeloom.event_count_deltas FROM 'timeloom_serve'@'%';
REVOKE CREATE ON timeloom.event_counts FROM 'timeloom_serve'@'%';
REVOKE CREATE ON timeloom.event_hour_counts FROM 'timeloom_serve'@'%';
REVOKE CREATE ON timeloom.event_day_counts FROM 'timeloom_serve'@'%';
REVOKE CREATE ON timeloom.ingest_counts FROM 'timeloom_serve'@'%';
REVOKE CREATE ON timeloom.retention_policies FROM 'timeloom_serve'@'%';

-- `timeloom migrate`: tables, indexes and the view readable_events, and rows where a migration moves them.
CREATE USER IF NOT EXISTS 'timeloom_migrate'@'%' IDENTIFIED BY 'MIGRATE-PASSWORD';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, CREATE VIEW, SHOW VIEW
    ON timeloom.* TO 'timeloom_migrate'@'%';

-- Whatever takes events away (TIMELOOM_REMOVAL_DATABASE_URL): deletions, retention, folding of repeats, upkeep. It updates events into
-- which repeats are folded, and inserts events about what it did. It changes no policy and no table.
CREATE USER IF NOT EXISTS 'timeloom_retain'@'%' IDENTIFIED BY 'RETAIN-PASSWORD';
GRANT SELECT ON timeloom.* TO 'timeloom_retain'@'%';
GRANT CREATE, INSERT, UPDATE ON timeloom.namespaces TO 'timeloom_retain'@'%';
GRANT CREATE, INSERT, UPDATE ON timeloom.audiences TO 'timeloom_retain'@'%';
GRANT CREATE, INSERT, UPDATE ON timeloom.objects TO 'timeloom_retain'@'%';
GRANT CREATE, INSERT, UPDATE ON timeloom.object_audiences TO 'timeloom_retain'@'%';
GRANT CREATE, INSERT, UPDATE, DELETE ON timeloom.events TO 'timeloom_retain'@'%';
GRANT CREATE, INSERT, DELETE ON timeloom.event_objects TO 'timeloom_retain'@'%';
GRANT CREATE, INSERT, DELETE ON timeloom.ingest_batches TO 'timeloom_retain'@'%';
GRANT CREATE, INSERT, UPDATE, DELETE ON timeloom.deleted_ids TO 'timeloom_retain'@'%';
GRANT CREATE, INSERT, DELETE ON timeloom.folded_ids TO 'timeloom_retain'@'%';
GRANT CREATE, INSERT ON timeloom.event_count_deltas TO 'timeloom_retain'@'%';
GRANT CREATE, UPDATE ON timeloom.deletions TO 'timeloom_retain'@'%';
GRANT CREATE, INSERT, UPDATE ON timeloom.retention_runs TO 'timeloom_retain'@'%';
GRANT CREATE, INSERT, UPDATE, DELETE ON timeloom.retention_marks TO 'timeloom_retain'@'%';
GRANT CREATE, INSERT, UPDATE, DELETE ON timeloom.retention_cutoffs TO 'timeloom_retain'@'%';
GRANT CREATE, DELETE ON timeloom.operations TO 'timeloom_retain'@'%';
GRANT CREATE, DELETE ON timeloom.operation_targets TO 'timeloom_retain'@'%';
GRANT CREATE, DELETE ON timeloom.problem_dismissals TO 'timeloom_retain'@'%';
GRANT CREATE, INSERT, UPDATE ON timeloom.leases TO 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.namespaces FROM 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.audiences FROM 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.objects FROM 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.object_audiences FROM 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.events FROM 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.event_objects FROM 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.ingest_batches FROM 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.deleted_ids FROM 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.folded_ids FROM 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.event_count_deltas FROM 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.deletions FROM 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.retention_runs FROM 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.retention_marks FROM 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.retention_cutoffs FROM 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.operations FROM 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.operation_targets FROM 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.problem_dismissals FROM 'timeloom_retain'@'%';
REVOKE CREATE ON timeloom.leases FROM 'timeloom_retain'@'%';

-- mariadb-dump: reads a snapshot.
CREATE USER IF NOT EXISTS 'timeloom_backup'@'%' IDENTIFIED BY 'BACKUP-PASSWORD';
GRANT SELECT, SHOW VIEW, LOCK TABLES ON timeloom.* TO 'timeloom_backup'@'%';

-- Timeloom's database and its users. Run as an administrator of MariaDB 10.11 or newer:
--
--     sed -e 's/SERVE-PASSWORD/.../' -e 's/MIGRATE-PASSWORD/.../' -e 's/BACKUP-PASSWORD/.../' grants.sql | mariadb
--
-- '%' is every host: name the gateways' hosts or network instead ('10.1.2.%'). Running it again changes no password.

CREATE DATABASE IF NOT EXISTS timeloom CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- `timeloom serve` and `timeloom demo`: rows only. No tables are made, changed or dropped with it.
CREATE USER IF NOT EXISTS 'timeloom_serve'@'%' IDENTIFIED BY 'SERVE-PASSWORD';
GRANT SELECT, INSERT, UPDATE, DELETE ON timeloom.* TO 'timeloom_serve'@'%';

-- `timeloom migrate`: tables, indexes and the view readable_events, and rows where a migration moves them.
CREATE USER IF NOT EXISTS 'timeloom_migrate'@'%' IDENTIFIED BY 'MIGRATE-PASSWORD';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, CREATE VIEW, SHOW VIEW
    ON timeloom.* TO 'timeloom_migrate'@'%';

-- mariadb-dump: reads a snapshot.
CREATE USER IF NOT EXISTS 'timeloom_backup'@'%' IDENTIFIED BY 'BACKUP-PASSWORD';
GRANT SELECT, SHOW VIEW, LOCK TABLES ON timeloom.* TO 'timeloom_backup'@'%';

-- Roles for @, made once by a superuser.
CREATE ROLE @_owner NOLOGIN;                       -- owns the schema's objects; nobody logs in as it
CREATE ROLE @_migrate LOGIN NOINHERIT IN ROLE @_owner;   -- pgrail applies as this one; it is nothing until it sets its role
CREATE ROLE @_ro LOGIN CONNECTION LIMIT 5;         -- pgrail reads as this one
CREATE ROLE @_app LOGIN;                           -- the application; pgrail never has it
ALTER ROLE @_ro SET default_transaction_read_only = on;
ALTER ROLE @_ro SET statement_timeout = '30s';
ALTER ROLE @_ro SET lock_timeout = '500ms';
ALTER ROLE @_ro SET idle_in_transaction_session_timeout = '60s';
REVOKE ALL ON SCHEMA public FROM PUBLIC;           -- nobody creates objects that shadow others
GRANT USAGE ON SCHEMA public TO @_ro, @_app;
ALTER DEFAULT PRIVILEGES FOR ROLE @_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE @_owner GRANT SELECT ON TABLES TO @_ro;
ALTER DEFAULT PRIVILEGES FOR ROLE @_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO @_app;
ALTER DEFAULT PRIVILEGES FOR ROLE @_owner GRANT USAGE ON SEQUENCES TO @_app;
-- In each database: REVOKE TEMPORARY ON DATABASE d FROM PUBLIC; GRANT CREATE ON DATABASE d TO @_owner;
-- What exists already: REASSIGN OWNED BY old_owner TO @_owner; GRANT SELECT ON ALL TABLES IN SCHEMA public TO @_ro;
-- Passwords are set with \password in psql and stay in the passfile.

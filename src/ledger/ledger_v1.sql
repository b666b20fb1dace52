-- Local state, version 1. Times are ISO text in UTC; documents are JSON text.
CREATE TABLE grounding (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project TEXT NOT NULL,
    environment TEXT NOT NULL,
    system_id TEXT,
    database TEXT,
    migration TEXT,
    sha256 TEXT,
    fingerprint TEXT NOT NULL,
    relations TEXT NOT NULL,
    taken_at TEXT NOT NULL
) STRICT;
CREATE INDEX grounding_of ON grounding (project, environment, migration, id);

CREATE TABLE rehearsal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project TEXT NOT NULL,
    environment TEXT NOT NULL,
    staging TEXT NOT NULL,
    migration TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    passed INTEGER NOT NULL CHECK (passed IN (0, 1)),
    fingerprint TEXT,
    report_sha256 TEXT NOT NULL,
    doc TEXT NOT NULL,
    started_at TEXT NOT NULL,
    elapsed_us INTEGER NOT NULL
) STRICT;
CREATE INDEX rehearsal_of ON rehearsal (project, environment, migration, id);

CREATE TABLE approval (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project TEXT NOT NULL,
    environment TEXT NOT NULL,
    migration TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('up', 'down')),
    rehearsal_id INTEGER NOT NULL,
    statement TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    signature TEXT NOT NULL,
    signer TEXT NOT NULL,
    approved_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    used_at TEXT
) STRICT;
CREATE INDEX approval_of ON approval (project, environment, sha256, direction);

CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project TEXT NOT NULL,
    environment TEXT NOT NULL,
    migration TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('up', 'down')),
    state TEXT NOT NULL,
    step INTEGER NOT NULL,
    steps INTEGER NOT NULL,
    step_sha256 TEXT,
    backend_pid INTEGER NOT NULL,
    backend_start TEXT,
    pre_fingerprint TEXT,
    started_at TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX run_of ON run (project, environment, state);

-- Every transition of a run, in order; rows are added and never changed.
CREATE TABLE run_event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL REFERENCES run (id),
    at TEXT NOT NULL,
    event TEXT NOT NULL,
    state TEXT NOT NULL,
    step INTEGER NOT NULL,
    note TEXT
) STRICT;
CREATE INDEX run_event_of ON run_event (run_id, id);

"""All nouns' tables, as the first version had them."""

from __future__ import annotations

from sqlite_utils import Database

TABLES = """
CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  actor TEXT NOT NULL,
  origin TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  reason TEXT,
  command TEXT,
  detail TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX events_by_kind ON events (kind, id);
CREATE INDEX events_by_subject ON events (subject, id);
CREATE TRIGGER events_are_kept BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_stand BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

CREATE TABLE repos (
  name TEXT PRIMARY KEY,
  path TEXT NOT NULL,
  trusted INTEGER NOT NULL DEFAULT 0,
  added_at TEXT NOT NULL
) STRICT;

CREATE TABLE runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo TEXT NOT NULL,
  pipeline TEXT NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  commit_id TEXT NOT NULL,
  branch TEXT,
  subject TEXT NOT NULL DEFAULT '',
  dirty INTEGER NOT NULL DEFAULT 0,
  actor TEXT NOT NULL,
  reason TEXT,
  error TEXT,
  note TEXT,
  alert_id INTEGER,
  rerun_of INTEGER,
  created_at TEXT NOT NULL,
  started_at TEXT,
  ended_at TEXT,
  tests_passed INTEGER,
  tests_failed INTEGER,
  tests_skipped INTEGER,
  tests_errors INTEGER
) STRICT;
CREATE INDEX runs_by_repo ON runs (repo, id);
CREATE INDEX runs_by_repo_pipeline ON runs (repo, pipeline, id);
CREATE INDEX runs_by_state ON runs (state, id);
CREATE INDEX runs_by_commit ON runs (repo, commit_id, id);
CREATE INDEX runs_by_alert ON runs (alert_id, id) WHERE alert_id IS NOT NULL;

CREATE TABLE steps (
  run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  run TEXT NOT NULL,
  state TEXT NOT NULL,
  exit_code INTEGER,
  note TEXT,
  started_at TEXT,
  ended_at TEXT,
  PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE test_results (
  run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  test_id TEXT NOT NULL,
  outcome TEXT NOT NULL,
  duration_s REAL,
  file TEXT,
  line INTEGER,
  message TEXT,
  detail TEXT,
  PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX test_results_bad ON test_results (run_id, position) WHERE outcome IN ('error', 'failed');
CREATE INDEX test_results_by_test ON test_results (test_id, run_id);

CREATE TABLE models (
  name TEXT PRIMARY KEY,
  task TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE versions (
  id INTEGER PRIMARY KEY,
  model TEXT NOT NULL REFERENCES models (name),
  version INTEGER NOT NULL,
  digest TEXT NOT NULL,
  framework TEXT NOT NULL,
  entry TEXT NOT NULL,
  size INTEGER NOT NULL,
  signature TEXT NOT NULL,
  metrics TEXT NOT NULL,
  params TEXT NOT NULL,
  data TEXT NOT NULL,
  repo TEXT,
  commit_id TEXT,
  dirty INTEGER NOT NULL DEFAULT 0,
  run_id INTEGER UNIQUE,
  alert_id INTEGER,
  champion INTEGER,
  lock TEXT,
  audit TEXT NOT NULL DEFAULT '{}',
  actor TEXT NOT NULL,
  created_at TEXT NOT NULL,
  UNIQUE (model, version)
) STRICT;
CREATE INDEX versions_by_alert ON versions (alert_id) WHERE alert_id IS NOT NULL;

CREATE TABLE version_files (
  model TEXT NOT NULL,
  version INTEGER NOT NULL,
  path TEXT NOT NULL,
  size INTEGER NOT NULL,
  digest TEXT NOT NULL,
  executable INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (model, version, path),
  FOREIGN KEY (model, version) REFERENCES versions (model, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE evaluations (
  id INTEGER PRIMARY KEY,
  model TEXT NOT NULL,
  version INTEGER NOT NULL,
  run_id INTEGER,
  rows_digest TEXT NOT NULL,
  rows INTEGER NOT NULL,
  path TEXT NOT NULL,
  file_digest TEXT NOT NULL,
  contender TEXT NOT NULL,
  metrics TEXT NOT NULL,
  plots TEXT NOT NULL DEFAULT '{}',
  created_at TEXT NOT NULL,
  UNIQUE (model, version, rows_digest),
  FOREIGN KEY (model, version) REFERENCES versions (model, version)
) STRICT;

CREATE TABLE aliases (
  model TEXT NOT NULL REFERENCES models (name),
  alias TEXT NOT NULL,
  version INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  moved_at TEXT NOT NULL,
  PRIMARY KEY (model, alias),
  FOREIGN KEY (model, version) REFERENCES versions (model, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE promotions (
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  kind TEXT NOT NULL,
  model TEXT NOT NULL,
  alias TEXT NOT NULL,
  from_version INTEGER,
  to_version INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  reason TEXT NOT NULL,
  actor TEXT NOT NULL,
  gates TEXT NOT NULL,
  forced TEXT NOT NULL DEFAULT '[]',
  undoes INTEGER REFERENCES promotions (id),
  UNIQUE (model, alias, revision)
) STRICT;

CREATE TABLE judgements (
  model TEXT NOT NULL,
  version INTEGER NOT NULL,
  alias TEXT NOT NULL,
  champion INTEGER,
  passed INTEGER NOT NULL,
  gates TEXT NOT NULL,
  changes TEXT,
  at TEXT NOT NULL,
  PRIMARY KEY (model, version, alias),
  FOREIGN KEY (model, version) REFERENCES versions (model, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE predictions (
  id INTEGER PRIMARY KEY,
  model TEXT NOT NULL,
  version INTEGER NOT NULL,
  run_id INTEGER NOT NULL UNIQUE,
  path TEXT NOT NULL,
  file_digest TEXT NOT NULL,
  rows INTEGER NOT NULL,
  taken_at TEXT NOT NULL
) STRICT;
CREATE INDEX predictions_by_model ON predictions (model, id);

CREATE TABLE baselines (
  id INTEGER PRIMARY KEY,
  monitor TEXT NOT NULL,
  model TEXT NOT NULL,
  version INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  origin TEXT NOT NULL,
  sketch BLOB NOT NULL,
  realised TEXT NOT NULL DEFAULT 'null',
  used TEXT NOT NULL DEFAULT '[]',
  since TEXT,
  made_at TEXT NOT NULL,
  UNIQUE (monitor, version)
) STRICT;

CREATE TABLE chunks (
  id INTEGER PRIMARY KEY,
  monitor TEXT NOT NULL,
  model TEXT NOT NULL,
  version INTEGER NOT NULL,
  label TEXT NOT NULL,
  start_at TEXT NOT NULL,
  end_at TEXT NOT NULL,
  rows INTEGER NOT NULL,
  labels INTEGER NOT NULL,
  metric TEXT,
  realised REAL,
  low REAL,
  high REAL,
  floor REAL,
  breaches INTEGER NOT NULL DEFAULT 0,
  partial INTEGER NOT NULL DEFAULT 0,
  severity TEXT NOT NULL,
  findings TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  sketch BLOB NOT NULL,
  checked_at TEXT NOT NULL,
  UNIQUE (monitor, version, start_at)
) STRICT;
CREATE INDEX chunks_by_monitor ON chunks (monitor, start_at);

CREATE TABLE chunk_columns (
  chunk_id INTEGER NOT NULL REFERENCES chunks (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  psi REAL, js REAL, hellinger REAL, ks REAL, ks_p REAL, wasserstein REAL,
  chi2 REAL, chi2_p REAL, l_infinity REAL,
  missing_reference REAL, missing_current REAL, unseen REAL,
  outside REAL,
  noise_p REAL,
  drifted INTEGER,
  effect TEXT NOT NULL,
  plot TEXT NOT NULL DEFAULT '{}',
  severity TEXT NOT NULL,
  PRIMARY KEY (chunk_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE alerts (
  id INTEGER PRIMARY KEY,
  monitor TEXT NOT NULL,
  model TEXT NOT NULL,
  alias TEXT NOT NULL,
  version INTEGER NOT NULL,
  severity TEXT NOT NULL,
  state TEXT NOT NULL,
  title TEXT NOT NULL,
  words TEXT NOT NULL DEFAULT '[]',
  evidence TEXT NOT NULL,
  chunk_id INTEGER REFERENCES chunks (id) ON DELETE SET NULL,
  opened_at TEXT NOT NULL,
  changed_at TEXT NOT NULL,
  acknowledged_by TEXT,
  snoozed_until TEXT,
  resolved_at TEXT,
  cured_by INTEGER,
  UNIQUE (monitor, version)
) STRICT;
CREATE INDEX alerts_by_state ON alerts (state, id);
CREATE INDEX alerts_by_model ON alerts (model, version);
"""


def apply(db: Database) -> None:
    """Make every table, one statement after the other in the transaction that the caller holds."""
    db.executescript(TABLES)

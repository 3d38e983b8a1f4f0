-- Up Migration

-- Where a release of the space goes, and what it was made from: generation C.
ALTER TABLE spaces
  ADD COLUMN release_target_id uuid REFERENCES items ON DELETE SET NULL,
  ADD COLUMN upstream_space_id uuid;

ALTER TABLE units
  ADD COLUMN last_released_revision_num bigint NOT NULL DEFAULT 0,
  -- Who set which path, in ConfigHub's JSON: [{Resource, ResourceMutationInfo, PathMutationMap, …}]
  ADD COLUMN mutation_sources jsonb NOT NULL DEFAULT '[]',
  -- Upstream changes that the last upgrade dropped
  ADD COLUMN conflicts jsonb NOT NULL DEFAULT '[]';

-- Every revision is the work of one mutation.
ALTER TABLE revisions
  ADD COLUMN mutation_id uuid NOT NULL DEFAULT gen_random_uuid(),
  ADD COLUMN mutation_sources jsonb NOT NULL DEFAULT '[]',
  ADD COLUMN restored_revision_num bigint NOT NULL DEFAULT 0,
  ADD COLUMN upgraded_from_revision_num bigint NOT NULL DEFAULT 0,
  ADD COLUMN function_invocation jsonb;

CREATE TABLE releases (
  release_id uuid PRIMARY KEY,
  space_id uuid NOT NULL REFERENCES spaces ON DELETE CASCADE,
  organization_id uuid NOT NULL,
  release_num bigint NOT NULL,
  target_id uuid NOT NULL,
  tag_id uuid,
  digest text NOT NULL,
  labels jsonb NOT NULL DEFAULT '{}',
  annotations jsonb NOT NULL DEFAULT '{}',
  user_id uuid NOT NULL,
  withdrawn_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (space_id, release_num)
);

CREATE TABLE release_units (
  release_id uuid NOT NULL REFERENCES releases ON DELETE CASCADE,
  unit_id uuid NOT NULL REFERENCES units ON DELETE CASCADE,
  revision_num bigint NOT NULL,
  PRIMARY KEY (release_id, unit_id)
);

ALTER TABLE operations
  ADD COLUMN release_id uuid REFERENCES releases ON DELETE CASCADE,
  -- The server process that carries the action out, and until when its word counts
  ADD COLUMN owner uuid,
  ADD COLUMN lease_until timestamptz;
CREATE INDEX operations_release ON operations (release_id) WHERE release_id IS NOT NULL;
CREATE INDEX operations_unit_open ON operations (unit_id) WHERE status IN ('Pending', 'Progressing');
CREATE INDEX unit_events_operation ON unit_events (operation_id);

-- Down Migration

ALTER TABLE operations DROP COLUMN release_id, DROP COLUMN owner, DROP COLUMN lease_until;
DROP INDEX unit_events_operation;
DROP TABLE release_units, releases;
ALTER TABLE revisions DROP COLUMN mutation_id, DROP COLUMN mutation_sources, DROP COLUMN restored_revision_num,
  DROP COLUMN upgraded_from_revision_num, DROP COLUMN function_invocation;
ALTER TABLE units DROP COLUMN last_released_revision_num, DROP COLUMN mutation_sources, DROP COLUMN conflicts;
ALTER TABLE spaces DROP COLUMN release_target_id, DROP COLUMN upstream_space_id;

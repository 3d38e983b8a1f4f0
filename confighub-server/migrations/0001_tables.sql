-- Up Migration

CREATE TABLE spaces (
  space_id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  slug text NOT NULL UNIQUE,
  display_name text NOT NULL DEFAULT '',
  labels jsonb NOT NULL DEFAULT '{}',
  annotations jsonb NOT NULL DEFAULT '{}',
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- Filter, Set, ChangeSet, Tag, Target, BridgeWorker: one header, a few fields of their own in `body`.
CREATE TABLE items (
  item_id uuid PRIMARY KEY,
  entity_type text NOT NULL,
  space_id uuid NOT NULL REFERENCES spaces ON DELETE CASCADE,
  organization_id uuid NOT NULL,
  slug text NOT NULL,
  display_name text NOT NULL DEFAULT '',
  labels jsonb NOT NULL DEFAULT '{}',
  annotations jsonb NOT NULL DEFAULT '{}',
  body jsonb NOT NULL DEFAULT '{}',
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (space_id, entity_type, slug)
);

CREATE TABLE units (
  unit_id uuid PRIMARY KEY,
  space_id uuid NOT NULL REFERENCES spaces ON DELETE CASCADE,
  organization_id uuid NOT NULL,
  slug text NOT NULL,
  display_name text NOT NULL DEFAULT '',
  labels jsonb NOT NULL DEFAULT '{}',
  annotations jsonb NOT NULL DEFAULT '{}',
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  toolchain_type text NOT NULL,
  data bytea NOT NULL,
  data_hash text NOT NULL,
  content_hash bigint NOT NULL,
  last_change_description text NOT NULL DEFAULT '',
  head_revision_num bigint NOT NULL DEFAULT 1,
  last_applied_revision_num bigint NOT NULL DEFAULT 0,
  live_revision_num bigint NOT NULL DEFAULT 0,
  previous_live_revision_num bigint NOT NULL DEFAULT 0,
  live_state bytea,
  last_action_at timestamptz,
  set_id uuid REFERENCES items ON DELETE SET NULL,
  target_id uuid REFERENCES items ON DELETE SET NULL,
  change_set_id uuid REFERENCES items ON DELETE SET NULL,
  -- No foreign key: an upstream may be deleted while its clones live on.
  upstream_unit_id uuid,
  upstream_space_id uuid,
  upstream_organization_id uuid,
  upstream_revision_num bigint NOT NULL DEFAULT 0,
  apply_gates jsonb NOT NULL DEFAULT '{}',
  approved_by jsonb NOT NULL DEFAULT '[]',
  -- Objects that applies of this unit have written, for pruning: [{apiVersion, kind, namespace, name}]
  inventory jsonb NOT NULL DEFAULT '[]',
  UNIQUE (space_id, slug)
);
CREATE INDEX units_upstream ON units (upstream_unit_id) WHERE upstream_unit_id IS NOT NULL;
CREATE INDEX units_labels ON units USING gin (labels);
CREATE INDEX units_inventory ON units USING gin (inventory jsonb_path_ops);

CREATE TABLE revisions (
  revision_id uuid PRIMARY KEY,
  unit_id uuid NOT NULL REFERENCES units ON DELETE CASCADE,
  space_id uuid NOT NULL,
  organization_id uuid NOT NULL,
  revision_num bigint NOT NULL,
  data bytea NOT NULL,
  data_hash text NOT NULL,
  content_hash bigint NOT NULL,
  description text NOT NULL DEFAULT '',
  source text NOT NULL,
  user_id uuid NOT NULL,
  user_agent text NOT NULL DEFAULT '',
  tags jsonb NOT NULL DEFAULT '{}',
  apply_gates jsonb NOT NULL DEFAULT '{}',
  approved_by jsonb NOT NULL DEFAULT '[]',
  live_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (unit_id, revision_num)
);

CREATE TABLE operations (
  operation_id uuid PRIMARY KEY,
  sequence bigint GENERATED ALWAYS AS IDENTITY,
  unit_id uuid NOT NULL REFERENCES units ON DELETE CASCADE,
  space_id uuid NOT NULL,
  organization_id uuid NOT NULL,
  target_id uuid,
  action text NOT NULL,
  revision_num bigint NOT NULL,
  status text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX operations_open ON operations (sequence) WHERE status IN ('Pending', 'Progressing');

CREATE TABLE unit_events (
  unit_event_id uuid PRIMARY KEY,
  sequence bigint GENERATED ALWAYS AS IDENTITY,
  unit_id uuid NOT NULL REFERENCES units ON DELETE CASCADE,
  space_id uuid NOT NULL,
  organization_id uuid NOT NULL,
  operation_id uuid NOT NULL,
  action text NOT NULL,
  result text NOT NULL,
  status text NOT NULL,
  message text NOT NULL DEFAULT '',
  revision_num bigint NOT NULL,
  started_at timestamptz,
  terminated_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX unit_events_unit ON unit_events (unit_id, sequence);

-- Down Migration

DROP TABLE unit_events, operations, revisions, units, items, spaces;

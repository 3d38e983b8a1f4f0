-- Realign's read model and audit. Times have milliseconds, as JavaScript has, so that a cursor names a row exactly.

-- One drift of one resource, from first seen to its end.
create table episodes (
  id text primary key,
  environment text not null,
  api_group text not null,
  version text not null,
  kind text not null,
  namespace text not null,
  name text not null,
  workflow_id text not null,
  run_id text not null,
  first_detected timestamptz(3) not null,
  finding jsonb,
  severity text,
  rule text,
  policy_outcome text check (policy_outcome in ('auto', 'ask', 'notify', 'track')),
  outcome text not null,
  message text,
  ended_at timestamptz(3)
);
create unique index episodes_one_open_per_resource
  on episodes (environment, api_group, kind, namespace, name) where ended_at is null;
create index episodes_history
  on episodes (environment, api_group, kind, namespace, name, first_detected desc);

-- Every attempt of every step, appended as it happens. episode_id may also name a promotion.
create table steps (
  id bigint generated always as identity primary key,
  episode_id text not null,
  step text not null,
  key text not null,
  attempt integer not null,
  status text not null check (status in ('started', 'done', 'failed')),
  at timestamptz(3) not null,
  message text,
  unique (episode_id, step, key, attempt, status)
);

-- The present state of each resource that was ever compared.
create table records (
  id uuid primary key default gen_random_uuid(),
  environment text not null,
  api_group text not null,
  version text not null,
  kind text not null,
  namespace text not null,
  name text not null,
  drift_status text not null check (drift_status in ('active', 'resolved', 'none')),
  episode_id text references episodes (id),
  finding jsonb,
  severity text,
  outcome text,
  -- json, not jsonb: lists hand whole objects through, and its text goes out as it came in.
  desired_state json not null,
  live_state json not null,
  last_known_good_hash text not null,
  first_detected timestamptz(3),
  resolved_at timestamptz(3),
  resolution_message text not null default '',
  last_updated timestamptz(3) not null,
  created_at timestamptz(3) not null,
  -- The place in lists. It changes only when a new drift begins, so that paging neither skips nor repeats a record
  -- that is updated meanwhile.
  listed_at timestamptz(3) not null generated always as (coalesce(first_detected, created_at)) stored,
  unique (environment, api_group, kind, namespace, name)
);
create index records_by_name on records (name, namespace, kind);
create index records_list on records (listed_at desc, id desc);
create index records_list_by_status on records (drift_status, listed_at desc, id desc);
create index records_list_by_environment on records (environment, listed_at desc, id desc);
create index records_list_by_namespace on records (namespace, listed_at desc, id desc);
create index records_list_by_kind on records (kind, listed_at desc, id desc);
create index records_list_by_severity on records (severity, listed_at desc, id desc)
  where severity is not null;
create index records_statistics
  on records (environment, drift_status) include (first_detected, resolved_at);

-- Plans put to people.
create table questions (
  id text primary key,
  subject text not null check (subject in ('drift', 'promotion')),
  workflow_id text not null,
  episode_id text not null,
  number integer not null,
  environment text not null,
  api_group text,
  version text,
  kind text,
  namespace text,
  name text,
  unit text,
  severity text not null,
  summary text not null,
  finding jsonb,
  plans jsonb not null,
  offered text not null check (offered in ('revert', 'accept')),
  digest text not null,
  rule text not null,
  quorum integer not null,
  approvers text[] not null,
  approvals text[] not null,
  status text not null check (status in
    ('open', 'approved', 'rejected', 'accepted', 'snoozed', 'expired', 'withdrawn', 'superseded')),
  asked_at timestamptz(3) not null,
  expires_at timestamptz(3) not null,
  closed_at timestamptz(3)
);
create unique index questions_one_open_per_workflow on questions (workflow_id) where status = 'open';
create index questions_list on questions (status, asked_at desc, id desc);
create index questions_by_resource
  on questions (environment, kind, namespace, name) where status = 'open';
create index questions_by_episode on questions (episode_id) where status = 'open';

-- Who answered what, when and through which door; rows are never deleted.
create table decisions (
  id text primary key,
  question_id text not null references questions (id),
  decision text not null check (decision in ('approve', 'reject', 'accept', 'snooze')),
  person text not null,
  roles text[] not null,
  door text not null check (door in ('slack', 'rest', 'cli', 'dashboard')),
  digest text not null,
  reason text not null,
  snooze_until timestamptz(3),
  at timestamptz(3) not null,
  result text not null check (result in ('pending', 'taken', 'refused')),
  refusal text
);
create index decisions_by_question on decisions (question_id, at);

create table analysis_runs (
  id text primary key,
  workflow_id text not null,
  scope jsonb not null,
  status text not null check (status in ('running', 'completed', 'failed')),
  started_at timestamptz(3) not null,
  ended_at timestamptz(3),
  total integer not null default 0,
  checked integer not null default 0,
  drifted integer not null default 0,
  errors text[] not null default '{}'
);
create index analysis_runs_running on analysis_runs (workflow_id, started_at desc) where status = 'running';

-- One row: what distinguishes this installation from any other.
create table installation (
  id boolean primary key default true check (id),
  secret_key bytea not null,
  created_at timestamptz(3) not null default now()
);

-- Tells listeners what changed, not how: they read the row again. Delivered at commit.
create function realign_notify() returns trigger language plpgsql as $$
begin
  perform pg_notify('realign_changes', json_build_object('table', tg_table_name, 'id', new.id)::text);
  return null;
end $$;

create function realign_notify_step() returns trigger language plpgsql as $$
begin
  perform pg_notify('realign_changes', json_build_object('table', 'steps', 'id', new.episode_id)::text);
  return null;
end $$;

create trigger episodes_notify after insert or update on episodes
  for each row execute function realign_notify();
create trigger records_notify after insert or update on records
  for each row execute function realign_notify();
create trigger questions_notify after insert or update on questions
  for each row execute function realign_notify();
create trigger decisions_notify after insert or update on decisions
  for each row execute function realign_notify();
create trigger analysis_runs_notify after insert or update on analysis_runs
  for each row execute function realign_notify();
create trigger steps_notify after insert on steps
  for each row execute function realign_notify_step();

-- The audit cannot be rewritten by mistake, by us or by hand.
create function realign_refuse_rewrite() returns trigger language plpgsql as $$
begin
  raise exception 'rows of % are append-only', tg_table_name;
end $$;

create trigger steps_append_only before update or delete on steps
  for each row execute function realign_refuse_rewrite();
create trigger decisions_kept before delete on decisions
  for each row execute function realign_refuse_rewrite();
create trigger decisions_settled_once before update on decisions
  for each row when (old.result <> 'pending') execute function realign_refuse_rewrite();

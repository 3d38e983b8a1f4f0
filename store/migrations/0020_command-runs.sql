-- What people start by a command: rollbacks, bulk corrections, promotions between environments.
create table command_runs (
  id text primary key,
  kind text not null check (kind in ('rollback', 'correction', 'promotion')),
  workflow_id text not null,
  -- What it is about, as it was named: a change set, a filter, `dev to staging`.
  subject text not null,
  requested_by text not null,
  status text not null check (status in ('running', 'waiting', 'completed', 'refused', 'failed')),
  message text not null default '',
  -- `space/slug` of the ConfigHub ChangeSet around its writes.
  change_set text,
  started_at timestamptz(3) not null,
  ended_at timestamptz(3)
);
create index command_runs_by_workflow on command_runs (workflow_id, started_at desc);

-- What became of each unit: the first word about a unit holds, as repeats of a step say the same.
create table command_results (
  run_id text not null references command_runs (id),
  environment text not null,
  -- `space/slug`
  unit text not null,
  result text not null check (result in
    ('fixed', 'promoted', 'restored', 'asked', 'refused', 'failed', 'unchanged')),
  reason text not null,
  question_id text,
  at timestamptz(3) not null,
  primary key (run_id, environment, unit)
);
create trigger command_results_append_only before update or delete on command_results
  for each row execute function realign_refuse_rewrite();
create trigger command_runs_notify after insert or update on command_runs
  for each row execute function realign_notify();

alter table questions drop constraint questions_subject_check;
alter table questions add constraint questions_subject_check
  check (subject in ('drift', 'promotion', 'rollback'));

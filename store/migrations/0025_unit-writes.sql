-- What Realign did to ConfigHub's units, each step once, as it happened: what one carrying-out of a plan did is an operation.
create table unit_writes (
  id bigint generated always as identity primary key,
  operation_id text not null,
  episode_id text not null,
  step text not null,
  key text not null,
  space text not null,
  unit text not null,
  description text not null,
  status text not null check (status in ('started', 'done', 'failed')),
  revision integer,
  message text,
  started_at timestamptz(3) not null,
  ended_at timestamptz(3),
  unique (episode_id, step, key)
);
create index unit_writes_by_operation on unit_writes (operation_id);
create index unit_writes_by_time on unit_writes (started_at desc, operation_id desc);
create index decisions_by_time on decisions (at desc);

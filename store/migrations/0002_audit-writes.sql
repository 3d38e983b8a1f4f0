-- Who wrote what in a cluster, as its API server's audit webhook tells it; kept for days, to name the authors of drift.
create table audit_writes (
  seq bigint generated always as identity primary key,
  cluster text not null,
  audit_id text not null,
  api_group text not null,
  resource text not null,
  subresource text not null,
  namespace text not null,
  -- '' where a whole collection was deleted.
  name text not null,
  verb text not null check (verb in ('create', 'update', 'patch', 'delete', 'deletecollection')),
  username text not null,
  manager text not null,
  resource_version text,
  received_at timestamptz(3) not null,
  completed_at timestamptz(3) not null,
  unique (cluster, audit_id)
);
create index audit_writes_by_object
  on audit_writes (cluster, api_group, resource, namespace, name, received_at desc);
create index audit_writes_by_age on audit_writes (received_at);

-- People who may not approve a question: they made the change.
alter table questions add column barred text[] not null default '{}';

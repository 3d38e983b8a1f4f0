-- Many drifts in one message: which it is about.
create table digests (
  id text primary key,
  receiver text not null,
  started_at timestamptz(3) not null
);

create table digest_members (
  receiver text not null,
  -- An episode or promotion is in one digest of a receiver at most.
  subject text not null,
  digest_id text not null references digests (id),
  -- Has a headline of its own in the thread.
  leads boolean not null,
  primary key (receiver, subject)
);
create index digest_members_by_digest on digest_members (digest_id);

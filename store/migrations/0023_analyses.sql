-- What Claude makes of a drift, or why there is nothing of it: one note for each difference of an episode.
create table analyses (
  episode_id text not null references episodes (id),
  diff_digest text not null,
  status text not null check (status in ('ready', 'missing')),
  note jsonb,
  -- Why it is missing: a code of the catalogue, and what happened.
  code text,
  reason text,
  model text not null,
  -- Taken over from an earlier answer about the same difference.
  is_cached boolean not null default false,
  input_tokens integer not null default 0,
  output_tokens integer not null default 0,
  cache_write_tokens integer not null default 0,
  cache_read_tokens integer not null default 0,
  usd double precision not null default 0,
  at timestamptz(3) not null,
  primary key (episode_id, diff_digest),
  check ((status = 'ready') = (note is not null))
);

-- Answers that are good for the same question asked again.
create table claude_answers (
  key text primary key,
  answer jsonb not null,
  at timestamptz(3) not null
);
create index claude_answers_by_age on claude_answers (at);

-- One row for each call, written before it is made with the most that it can cost, corrected afterwards: budgets count these.
create table claude_calls (
  id text primary key,
  at timestamptz(3) not null,
  usd double precision not null,
  is_settled boolean not null default false
);
create index claude_calls_by_time on claude_calls (at);

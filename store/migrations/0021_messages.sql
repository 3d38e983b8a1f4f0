-- What receivers have been shown: one row for each message, also before it is known to have arrived.
create table messages (
  receiver text not null,
  -- An episode, a promotion or a digest.
  subject text not null,
  -- `headline`, or which of the messages around it.
  part text not null,
  -- Where it is, in the words of whoever took it; null = not known to have arrived.
  channel text,
  ref text,
  -- Digest of what it shows.
  fingerprint text,
  -- Before the first attempt: from here on it may have arrived.
  claimed_at timestamptz(3) not null,
  posted_at timestamptz(3),
  -- Why it could not be posted, and what to do about it.
  failure text,
  primary key (receiver, subject, part)
);
create index messages_by_subject on messages (subject);

-- What routes ask for.
alter table episodes add column labels jsonb;
create index questions_of_episode on questions (episode_id, number desc);
create index notices_of_episode on notices (episode_id, at);

-- Why people are asked although a rule says auto, and how often they were reminded.
alter table questions
  add column because text,
  add column fights jsonb,
  add column frozen jsonb,
  add column reminded integer not null default 0,
  add column escalated_to text[];

-- What people were told of beside questions: each once.
create table notices (
  id text primary key,
  -- Notices about one subject are spaced: reminders of one question, fights of one resource, blasts of one environment.
  subject text not null,
  kind text not null check (kind in ('reminder', 'escalation', 'drift', 'flapping', 'fight', 'blast')),
  environment text not null,
  episode_id text not null,
  question_id text,
  addressees text[] not null,
  message text not null,
  at timestamptz(3) not null
);
create index notices_by_subject on notices (subject, at desc);
create trigger notices_append_only before update or delete on notices
  for each row execute function realign_refuse_rewrite();

-- What guards count: drifts of an environment that began lately, and fixes of a rule.
create index episodes_by_start on episodes (environment, first_detected desc);
create index episodes_by_fix on episodes (rule, ended_at desc) where outcome = 'fixed';

-- The audit cannot be rewritten by mistake; what is older than `retention` goes, by a transaction that says it is for that.
create or replace function realign_refuse_rewrite() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and current_setting('realign.retention', true) = 'on' then
    return old;
  end if;
  raise exception 'rows of % are append-only', tg_table_name;
end $$;

-- What is looked for by its age, and what hangs on it.
create index episodes_by_end on episodes (ended_at) where ended_at is not null;
create index questions_by_closing on questions (closed_at) where closed_at is not null;
create index records_by_episode on records (episode_id) where episode_id is not null;
create index digest_members_by_subject on digest_members (subject);
-- Rows come in the order of their time, so that a few pages of this index do.
create index steps_by_age on steps using brin (at);

-- What was known when an answer came, kept with it: groups change, people leave and are called otherwise, and a question goes on.
alter table decisions
  add column update_id text,
  add column request_id text,
  add column slack_user text,
  add column slack_team text,
  add column slack_name text,
  add column quorum integer,
  add column approvals text[],
  add column groups jsonb;
create index decisions_by_person on decisions (question_id, person, at);

-- Who may approve alone in an emergency, named as approvers are.
alter table questions add column break_glass text[] not null default '{}';

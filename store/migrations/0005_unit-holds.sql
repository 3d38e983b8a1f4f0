-- One run at a time plans and executes for a unit: an apply writes all of its objects.
alter table episodes add column unit_id text;
create index episodes_open_by_unit on episodes (unit_id) where ended_at is null and unit_id is not null;

create table unit_holds (
  unit_id text primary key,
  -- Once this episode has ended the unit is free.
  episode_id text not null,
  -- The drifts that its plan covers: resources with the digests of their differences.
  covers text[] not null,
  taken_at timestamptz(3) not null
);

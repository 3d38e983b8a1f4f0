-- What ignore rules decided: a rule without a row, or with an old one, hides nothing any more.
create table rule_hits (
  rule text primary key,
  hits bigint not null,
  last_hit timestamptz(3) not null,
  environment text not null,
  resource text not null,
  path text not null
);

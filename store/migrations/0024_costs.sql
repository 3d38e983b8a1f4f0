-- What verified fixes of the month have saved is added up at each scrape.
create index episodes_fixed on episodes (ended_at) where outcome = 'fixed';

-- Run by the Postgres image when its volume is new. `realign` is made by the image itself (POSTGRES_DB).
create database confighub;

-- The catalogue's landing files as views. Nothing of the landing folder is copied into the warehouse.
create or replace view landing.repositories as
select * from read_parquet('{folder}/repositories.parquet');

create or replace view landing.private_repositories as
select * from read_parquet('{folder}/catalogue/private_repositories.parquet');

create or replace view landing.repository_names as
select * from read_parquet('{folder}/catalogue/repository_names.parquet');

create or replace view landing.owners as
select * from read_parquet('{folder}/catalogue/owners.parquet');

-- One PostgreSQL, two databases, two users that cannot see each other's. psql runs it as the superuser, once.
\getenv prefect_password PREFECT_DB_PASSWORD
\getenv catalogue_password CATALOGUE_DB_PASSWORD

CREATE ROLE prefect LOGIN PASSWORD :'prefect_password';
CREATE ROLE catalogue LOGIN PASSWORD :'catalogue_password';
CREATE DATABASE prefect OWNER prefect;
CREATE DATABASE catalogue OWNER catalogue;
REVOKE ALL ON DATABASE prefect, catalogue FROM PUBLIC;

"""The PostgreSQL adapter: repositories, tables and the unit of work."""

"""The world: HTTP, PostgreSQL, channels, jobs, files and the command line."""

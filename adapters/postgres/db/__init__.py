"""The database itself: connections, unit of work, migrations and the embedded server."""

"""The demo: a client of the public API that runs the main use case and shows each exchange."""

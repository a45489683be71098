"""Messages and stock changes sent as signed HTTP calls."""

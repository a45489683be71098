"""An order is placed, looked at, changed and cancelled."""

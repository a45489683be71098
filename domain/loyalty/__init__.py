"""Points and rewards: one ledger of balanced entries for each membership."""

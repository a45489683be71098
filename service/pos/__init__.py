"""Point of sale: receipts that tills report, and the incidents they reveal."""

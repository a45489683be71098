"""Orders from checkout to their end: lines, edits, search, timeline and payment status."""

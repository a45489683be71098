"""The availability cache: encoded availability answers in a worker's memory."""

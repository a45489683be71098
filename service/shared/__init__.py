"""The unit of work, batching and retries that every use case shares."""

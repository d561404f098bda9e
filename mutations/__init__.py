"""What may change: ingest today; deletes, retention and operations as they arrive."""

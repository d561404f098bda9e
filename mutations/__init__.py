"""What may change: ingest today; deletes, retention, operations and registrations as they come."""

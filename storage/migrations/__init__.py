"""Migrations: how a database gets from each schema revision to the next. Run by `storage.revisions`."""

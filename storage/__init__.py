"""What is kept and how it is asked for: tables, dialects, selectors, cursors, reads, writes and migrations."""

"""The bench: what the gateway costs beside hand-written endpoints on the same tables. See bench/README.md."""

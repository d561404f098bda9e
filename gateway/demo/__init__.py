"""The demo: a made-up history of four systems, for a first look, for examples, tests and measurements.

One module per system (cluster, sync_log, api_server, edge_agent); `history` mixes them, `loader` writes them through
the same ingest code as everything else, `showcase` names what is worth looking at, `command` is `timeloom demo`.
"""

"""Tests of every room, on real databases, real server processes and a real browser."""

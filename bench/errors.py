"""Errors of the bench."""


class BenchError(Exception):
    """The bench cannot measure; the text says what to do."""


class VoidRunError(BenchError):
    """The machine is too busy: the floor measured against itself was not the same."""

"""Severities: six ranks, and the words by which sources and selectors call them."""

from enum import IntEnum


class Severity(IntEnum):
    """How bad an event is. The value is the rank that is stored and compared (`severity_level`, rule F7)."""

    DEBUG = 0
    INFO = 1
    NOTICE = 2
    WARNING = 3
    ERROR = 4
    CRITICAL = 5


SEVERITY_WORDS: dict[str, Severity] = {
    "trace": Severity.DEBUG,
    "debug": Severity.DEBUG,
    "info": Severity.INFO,
    "low": Severity.INFO,
    "notice": Severity.NOTICE,
    "warn": Severity.WARNING,
    "warning": Severity.WARNING,
    "medium": Severity.WARNING,
    "error": Severity.ERROR,
    "high": Severity.ERROR,
    "critical": Severity.CRITICAL,
    "fatal": Severity.CRITICAL,
}
"""The words of contract.graphql ("Severity left out ..."), in lower case."""


def severity_from_word(word: str) -> Severity | None:
    """Give the severity that a word names, whatever its case (rule F2); None for an unknown word."""
    return SEVERITY_WORDS.get(word.lower())

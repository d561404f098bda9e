"""Severities: ranks and words of contract.graphql and rules F2, F7."""

import pytest

from storage.severities import SEVERITY_WORDS, Severity, severity_from_word


def test_ranks_go_from_debug_to_critical() -> None:
    """F7: 0 (DEBUG) to 5 (CRITICAL)."""
    assert [(int(one), one.name) for one in sorted(Severity)] == [
        (0, "DEBUG"),
        (1, "INFO"),
        (2, "NOTICE"),
        (3, "WARNING"),
        (4, "ERROR"),
        (5, "CRITICAL"),
    ]


def test_words_are_those_of_the_contract() -> None:
    """Contract: "Severity left out ..." lists every word; a registry may add more."""
    words: dict[str, list[str]] = {}
    for word, severity in SEVERITY_WORDS.items():
        words.setdefault(severity.name, []).append(word)
    assert words == {
        "DEBUG": ["trace", "debug"],
        "INFO": ["info", "low"],
        "NOTICE": ["notice"],
        "WARNING": ["warn", "warning", "medium"],
        "ERROR": ["error", "high"],
        "CRITICAL": ["critical", "fatal"],
    }


@pytest.mark.parametrize("write", [str.lower, str.upper, str.title], ids=["lower", "upper", "title"])
@pytest.mark.parametrize("word", SEVERITY_WORDS)
def test_words_ignore_case(word: str, write: type[str]) -> None:
    """F2."""
    assert severity_from_word(write(word)) is SEVERITY_WORDS[word]


@pytest.mark.parametrize("word", ["", "loud", " error", "errors", "4", "ınfo"])
def test_other_words_are_unknown(word: str) -> None:
    """SY2: an unknown value is never guessed."""
    assert severity_from_word(word) is None

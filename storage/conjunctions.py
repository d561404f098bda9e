"""Conjunctions: a selector taken apart into the tests that must all hold, for whoever chooses how to answer it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from storage.selectors import And, Comparison, EventField, FieldTest, Or, Selector, all_of
from storage.severities import Severity


@dataclass(slots=True)
class Conjunction:
    """The tests that must all hold; a range of times is taken out, orderings of severities are written as lists."""

    tests: list[Selector] = field(default_factory=list)
    since: int | None = None
    until: int | None = None
    _lists: dict[EventField, list[FieldTest]] = field(default_factory=dict)

    @classmethod
    def of(cls, selector: Selector) -> "Conjunction":
        """Take a selector apart."""
        conjunction = cls()
        conjunction.add(selector)
        return conjunction

    def add(self, part: Selector) -> None:
        """Take one more test that must hold."""
        if isinstance(part, And):
            for inner in part.parts:
                self.add(inner)
        elif isinstance(part, Or) and len(part.parts) == 1:
            self.add(part.parts[0])
        elif isinstance(part, FieldTest) and part.field is EventField.TIMESTAMP and self._take_time(part):
            pass
        else:
            test = _severities_listed(part)
            self.tests.append(test)
            if isinstance(test, FieldTest) and test.comparison is Comparison.IN:
                self._lists.setdefault(test.field, []).append(test)

    def _take_time(self, test: FieldTest) -> bool:
        match test.comparison:
            case Comparison.GREATER_OR_EQUAL:
                self._narrow(test.value, None)
            case Comparison.GREATER:
                self._narrow(test.value + 1, None)
            case Comparison.LESS:
                self._narrow(None, test.value)
            case Comparison.LESS_OR_EQUAL:
                self._narrow(None, test.value + 1)
            case Comparison.IN if len(test.value) == 1:
                self._narrow(test.value[0], test.value[0] + 1)
            case _:
                return False
        return True

    def _narrow(self, since: int | None, until: int | None) -> None:
        if since is not None:
            self.since = since if self.since is None else max(self.since, since)
        if until is not None:
            self.until = until if self.until is None else min(self.until, until)

    @property
    def has_lists(self) -> bool:
        """Whether any test names the values which a field may have."""
        return bool(self._lists)

    def lists(self, wanted: EventField) -> Sequence[FieldTest]:
        """The tests that name the values which a field may have."""
        return self._lists.get(wanted, ())

    def namespaces(self) -> set[str] | None:
        """The names in which every event of the answer lies; None for all."""
        named: set[str] | None = None
        for test in self.lists(EventField.NAMESPACE):
            named = set(test.value) if named is None else named & set(test.value)
        return named

    def without(self, *served: Selector) -> Selector:
        """What remains when an index serves some of the tests."""
        return all_of(test for test in self.tests if not any(test is one for one in served))


def _severities_listed(part: Selector) -> Selector:
    if not (isinstance(part, FieldTest) and part.field is EventField.SEVERITY):
        return part
    compare = {
        Comparison.LESS: lambda severity: severity < part.value,
        Comparison.LESS_OR_EQUAL: lambda severity: severity <= part.value,
        Comparison.GREATER: lambda severity: severity > part.value,
        Comparison.GREATER_OR_EQUAL: lambda severity: severity >= part.value,
    }.get(part.comparison)
    if compare is None:
        return part
    return FieldTest(part.field, Comparison.IN, tuple(int(one) for one in Severity if compare(one)))

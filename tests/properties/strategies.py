"""Filters as clients may send them: every field, every test, selectors, nested by and, or, not."""

from typing import Any

from hypothesis import strategies as st

from tests.properties.events import FIRST, IDS, RECEIVED, SEVERITIES, SOURCES, TEXTS, TYPES

Filter = dict[str, Any]


def time_text(micros: int) -> str:
    """An RFC 3339 text of an instant within the first minutes of 2026."""
    seconds, fraction = divmod(micros - FIRST, 1_000_000)
    return f"2026-01-01T00:{seconds // 60:02d}:{seconds % 60:02d}.{fraction:06d}Z"


TIMES = {time_text(micros): micros for micros in (*(FIRST + step for step in range(7)), *RECEIVED, RECEIVED[1] + 1)}

MEANINGS: dict[str, Filter] = {
    "event_type=audit": {"eventTypes": ["audit"]},
    "event_code != audit": {"not": {"eventTypes": ["audit"]}},
    "source_type=action": {"categories": ["action"]},
    "category!=action": {"not": {"categories": ["action"]}},
    "severity>=error": {"minSeverity": "ERROR"},
    "severity_level < Warning": {"not": {"minSeverity": "WARNING"}},
    "severity_level=0": {"severities": ["DEBUG"]},
    "source='host-1 '": {"sources": ["host-1 "]},
    "message~%": {"messageContains": "%"},
    'message=""': {"fields": [{"field": "MESSAGE", "test": {"eq": ""}}]},
    "actor~a": {"fields": [{"field": "ACTOR", "test": {"contains": "a"}}]},
    "actor=a=b": {"actors": ["a=b"]},
    "actor!=a": {"not": {"actors": ["a"]}},
    "success=TRUE": {"success": True},
    "success!=true": {"not": {"success": True}},
    "duration_ms<=0.5": {"maxDurationMs": 0.5},
    "duration_ms>=0": {"minDurationMs": 0},
    "timestamp<2026-01-01T00:00:00.000003Z": {"until": time_text(FIRST + 3)},
    "timestamp >= 2026-01-01T01:00:00.000003+01:00": {"since": time_text(FIRST + 3)},
    f"received_at>={time_text(RECEIVED[1])}": {"receivedSince": time_text(RECEIVED[1])},
    f"id={IDS[10].upper()}": {"ids": [IDS[10]]},
    f"parent_id={IDS[1]}": {"parentIds": [IDS[1]]},
    f"registration_id!={IDS[1]}": {"not": {"registrationIds": [IDS[1]]}},
    "object.instance=i-1": {"objects": [{"objectType": "instance", "objectId": "i-1"}]},
    "object.instance!=i-1": {"not": {"objects": [{"objectType": "instance", "objectId": "i-1"}]}},
    "extra.n=1": {
        "or": [
            {"extra": [{"path": ["n"], "test": {"eq": 1}}]},
            {"extra": [{"path": ["n"], "test": {"eq": "1"}}]},
        ]
    },
    "extra.n=ab": {"extra": [{"path": ["n"], "test": {"eq": "ab"}}]},
    "extra.n!=ab": {"not": {"extra": [{"path": ["n"], "test": {"eq": "ab"}}]}},
    "extra.n~a": {"extra": [{"path": ["n"], "test": {"contains": "a"}}]},
    "extra.n>=1.1": {"extra": [{"path": ["n"], "test": {"gte": 1.1}}]},
    "extra.n<9007199254740993": {"extra": [{"path": ["n"], "test": {"lt": 9007199254740993}}]},
}
"""Selector texts, and the filters that mean the same (HZ1, F2 to F8, F19 to F21)."""

_texts = st.sampled_from([*(text for text in TEXTS if text), "", "b"])
_ids = st.sampled_from([*IDS[:3], IDS[2].upper(), IDS[20], "ffffffff-0000-7000-8000-000000000000"])
_numbers = st.sampled_from([0, 1, 1.0, 1.1, -1, 100, 9007199254740992, 9007199254740993, 1e308])
_json = _numbers | st.sampled_from(
    ["", "1", "ab", True, False, [], {}, [1, "a", {"j": 2, "k": 1}], {"j": [2], "k": 1}, [None], "n"]
)


def _lists(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, max_size=3)


_text_tests = st.one_of(
    st.builds(lambda value: {"eq": value}, _texts),
    st.builds(lambda value: {"in": value}, _lists(_texts)),
    st.builds(lambda value: {"prefix": value}, _texts),
    st.builds(lambda value: {"contains": value}, _texts),
    st.builds(lambda value: {"isNull": value}, st.booleans()),
)
_id_tests = st.one_of(
    st.builds(lambda value: {"eq": value}, _ids | _texts),
    st.builds(lambda value: {"in": value}, _lists(_ids)),
    st.builds(lambda value: {"prefix": value}, st.sampled_from(["", "00000000-0000-7", "F", "0000-"])),
    st.builds(lambda value: {"contains": value}, st.sampled_from(["", "-7000-", "01", "A"])),
    st.builds(lambda value: {"isNull": value}, st.booleans()),
)
_text_fields = st.sampled_from(
    ["CATEGORY", "SOURCE", "MESSAGE", "ACTOR", "SESSION_ID", "REQUEST_ID", "CORRELATION_ID", "TRACE_ID", "OWNER"]
)
_field_predicates = st.fixed_dictionaries({"field": _text_fields, "test": _text_tests}) | st.fixed_dictionaries(
    {"field": st.sampled_from(["PARENT_ID", "REGISTRATION_ID"]), "test": _id_tests}
)
_json_tests = st.one_of(
    st.builds(lambda value: {"eq": value}, _json),
    st.builds(lambda value: {"in": value}, _lists(_json)),
    st.builds(lambda name, value: {name: value}, st.sampled_from(["lt", "lte", "gt", "gte"]), _numbers),
    st.builds(lambda value: {"contains": value}, st.sampled_from(["", "a", "1"])),
    st.builds(lambda value: {"includes": value}, _json),
    st.builds(lambda name, value: {name: value}, st.sampled_from(["exists", "isNull"]), st.booleans()),
)
_paths = st.sampled_from([["n"], ["n", "k"], ["n", "j"], ["a b", "c.d"], ["ä"], ["missing"], ["n", "0"], [""]])
_objects = st.fixed_dictionaries(
    {
        "objectType": st.sampled_from(["instance", "device", "node"]),
        "objectId": st.sampled_from(["i-1", "I-1", "i-1 ", "😀"]),
    },
    optional={"namespace": st.sampled_from(["default", "lab"]), "role": st.sampled_from(["peer", "Peer"])},
)
_times = st.sampled_from(sorted(TIMES))

FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "ids": _lists(_ids),
    "namespaces": _lists(st.sampled_from(["default", "lab", "Lab"])),
    "eventTypes": _lists(st.sampled_from([*TYPES, "none"])),
    "categories": _lists(st.sampled_from(["action", "state", "Action"])),
    "severities": _lists(st.sampled_from(SEVERITIES)),
    "minSeverity": st.sampled_from(SEVERITIES),
    "sources": _lists(st.sampled_from(SOURCES)),
    "since": _times,
    "until": _times,
    "receivedSince": _times,
    "receivedUntil": _times,
    "messageContains": st.sampled_from(["", "a", "A", "%", "_", "😀", "\n", "ä", "Ä"]),
    "requestIds": _lists(_texts),
    "correlationIds": _lists(_texts),
    "parentIds": _lists(_ids),
    "traceIds": _lists(_texts),
    "actors": _lists(_texts),
    "registrationIds": _lists(_ids),
    "success": st.booleans(),
    "minDurationMs": st.sampled_from([0, 0.5, 0.75, 1000]),
    "maxDurationMs": st.sampled_from([0, 0.5, 0.75, 1000]),
    "objects": _lists(_objects),
    "objectTypes": _lists(st.sampled_from(["instance", "device", "node"])),
    "fields": _lists(_field_predicates),
    "extra": _lists(st.fixed_dictionaries({"path": _paths, "test": _json_tests})),
    "selectors": _lists(st.sampled_from(sorted(MEANINGS))),
}


def _is_no_inverted_range(filter_: Filter) -> bool:
    pairs = (("since", "until"), ("receivedSince", "receivedUntil"))
    return all(TIMES[filter_[start]] <= TIMES[filter_[end]] for start, end in pairs if {start, end} <= filter_.keys())


@st.composite
def _leaves(draw: st.DrawFn) -> Filter:
    names = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=2, unique=True))
    return {name: draw(FIELDS[name]) for name in names}


def _nested(parts: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    lists = st.lists(parts, max_size=3)
    return st.one_of(
        st.builds(lambda part, value: {**part, "and": value}, _leaves(), lists),
        st.builds(lambda part, value: {**part, "or": value}, _leaves(), lists),
        st.builds(lambda part, value: {**part, "not": value}, _leaves(), parts),
    ).filter(_is_no_inverted_range)


FILTERS: st.SearchStrategy[Filter] = st.recursive(_leaves().filter(_is_no_inverted_range), _nested, max_leaves=5)

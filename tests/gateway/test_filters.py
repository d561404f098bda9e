"""From a filter to a selector: every field of EventFilter, and rules F1 to F23 as far as they are decided here."""

from typing import Any

import pytest
import strawberry
from strawberry import UNSET
from strawberry.schema.config import StrawberryConfig

from gateway.errors import ErrorCode, code_of
from gateway.json_text import parse_json
from gateway.schema.fields import Filter
from gateway.schema.filters import MAX_FILTER_DEPTH, MAX_FILTER_VALUES, MAX_LIST_VALUES, to_selector
from gateway.schema.scalars import SCALARS
from storage.selectors import (
    ALL,
    NONE,
    And,
    Comparison,
    EventField,
    FieldTest,
    JsonComparison,
    JsonTest,
    Not,
    ObjectReference,
    Or,
    Selector,
    TouchesAny,
    TouchesType,
    equals_any,
)
from storage.times import parse_rfc3339

ID = "01890a5d-ac96-774b-bcce-b302099a8057"


@strawberry.type
class Probe:
    @strawberry.field
    def selector(self, info: strawberry.Info, filter: Filter = UNSET) -> bool:  # noqa: A002
        info.context.append(to_selector(filter or None))
        return True


SCHEMA = strawberry.Schema(query=Probe, config=StrawberryConfig(scalar_map=SCALARS))


def from_variable(text: str) -> Selector:
    """The selector of a filter in JSON, given as a variable."""
    result, found = _run("query ($f: EventFilter) { selector(filter: $f) }", {"f": parse_json(text)})
    assert result.errors is None
    return found[0]


def from_literal(text: str) -> Selector:
    """The selector of a filter written into the document."""
    result, found = _run(f"{{ selector(filter: {text}) }}", {})
    assert result.errors is None
    return found[0]


def refusal(text: str) -> tuple[ErrorCode, str]:
    """The code and the text of the error that a filter in JSON is refused with."""
    result, _ = _run("query ($f: EventFilter) { selector(filter: $f) }", {"f": parse_json(text)})
    assert result.errors is not None
    (error,) = result.errors
    return code_of(error.original_error), error.message


def _run(document: str, variables: dict[str, Any]) -> tuple[Any, list[Selector]]:
    found: list[Selector] = []
    result = SCHEMA.execute_sync(document, variables, root_value=Probe(), context_value=found)
    return result, found


def instant(text: str) -> int:
    return parse_rfc3339(text)


@pytest.mark.parametrize(
    "document",
    [
        "{ selector }",
        "{ selector(filter: null) }",
        "query ($f: EventFilter) { selector(filter: $f) }",
        "{ selector(filter: {}) }",
        "{ selector(filter: {and: []}) }",
        "{ selector(filter: {fields: [], extra: [], selectors: [], and: [{}]}) }",
    ],
)
def test_a_filter_that_says_nothing_selects_everything(document: str) -> None:
    result, found = _run(document, {})
    assert result.errors is None
    assert found == [ALL]


TEXT_LISTS = {
    "namespaces": EventField.NAMESPACE,
    "eventTypes": EventField.EVENT_TYPE,
    "categories": EventField.CATEGORY,
    "sources": EventField.SOURCE,
    "requestIds": EventField.REQUEST_ID,
    "correlationIds": EventField.CORRELATION_ID,
    "traceIds": EventField.TRACE_ID,
    "actors": EventField.ACTOR,
}
ID_LISTS = {
    "ids": EventField.ID,
    "parentIds": EventField.PARENT_ID,
    "registrationIds": EventField.REGISTRATION_ID,
}


@pytest.mark.parametrize(("name", "field"), TEXT_LISTS.items())
def test_a_list_of_texts_means_any_of_them(name: str, field: EventField) -> None:
    assert from_variable(f'{{"{name}": ["b", "a", ""]}}') == equals_any(field, ("b", "a", ""))


@pytest.mark.parametrize("name", ["severities", "objects", "objectTypes", *TEXT_LISTS, *ID_LISTS])
def test_an_empty_list_selects_nothing(name: str) -> None:
    found = from_variable(f'{{"{name}": []}}')
    expected = {
        "severities": equals_any(EventField.SEVERITY, ()),
        "objects": TouchesAny(()),
        "objectTypes": TouchesType(()),
    }
    assert found == expected.get(name, equals_any((TEXT_LISTS | ID_LISTS).get(name, EventField.ID), ()))


@pytest.mark.parametrize(("name", "field"), ID_LISTS.items())
def test_ids_compare_in_lower_case_f14(name: str, field: EventField) -> None:
    assert from_variable(f'{{"{name}": ["{ID.upper()}"]}}') == equals_any(field, (ID,))


def test_a_registration_may_be_named_by_its_node_id_n2() -> None:
    assert from_variable(f'{{"registrationIds": ["registration:{ID}"]}}') == equals_any(
        EventField.REGISTRATION_ID, (ID,)
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ids", "x"),
        ("ids", f"{{{ID}}}"),
        ("ids", ID.replace("-", "")),
        ("ids", f"object:{ID}"),
        ("ids", f" {ID}"),
        ("parentIds", f"registration:{ID}"),
        ("registrationIds", f"operation:{ID}"),
        ("registrationIds", "registration:"),
    ],
)
def test_a_malformed_id_is_refused_with_its_place_n2(name: str, text: str) -> None:
    code, message = refusal(f'{{"{name}": ["{ID}", "{text}"]}}')
    assert code is ErrorCode.BAD_USER_INPUT
    assert message == f"filter.{name}[1] is no id: give a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"severities": ["ERROR", "DEBUG"]}', equals_any(EventField.SEVERITY, (4, 0))),
        ('{"minSeverity": "WARNING"}', FieldTest(EventField.SEVERITY, Comparison.GREATER_OR_EQUAL, 3)),
        ('{"minSeverity": "DEBUG"}', FieldTest(EventField.SEVERITY, Comparison.GREATER_OR_EQUAL, 0)),
        (
            '{"since": "2026-01-01T01:00:00+01:00"}',
            FieldTest(EventField.TIMESTAMP, Comparison.GREATER_OR_EQUAL, instant("2026-01-01T00:00:00Z")),
        ),
        (
            '{"until": "2026-01-01T00:00:00.123456789Z"}',
            FieldTest(EventField.TIMESTAMP, Comparison.LESS, instant("2026-01-01T00:00:00.123456Z")),
        ),
        (
            '{"receivedSince": "1970-01-01T00:00:00Z"}',
            FieldTest(EventField.RECEIVED_AT, Comparison.GREATER_OR_EQUAL, 0),
        ),
        ('{"receivedUntil": "1970-01-01T00:00:01Z"}', FieldTest(EventField.RECEIVED_AT, Comparison.LESS, 1_000_000)),
        ('{"messageContains": "100% _"}', FieldTest(EventField.MESSAGE, Comparison.CONTAINS, "100% _")),
        ('{"messageContains": ""}', FieldTest(EventField.MESSAGE, Comparison.CONTAINS, "")),
        ('{"success": false}', equals_any(EventField.SUCCESS, (False,))),
        ('{"success": true}', equals_any(EventField.SUCCESS, (True,))),
        ('{"minDurationMs": 0}', FieldTest(EventField.DURATION_MS, Comparison.GREATER_OR_EQUAL, 0.0)),
        ('{"maxDurationMs": 1.5}', FieldTest(EventField.DURATION_MS, Comparison.LESS_OR_EQUAL, 1.5)),
        ('{"objectTypes": ["instance", "node"]}', TouchesType(("instance", "node"))),
        (
            '{"objects": [{"objectType": "node", "objectId": "n1"}, {"objectType": "device", "objectId": "d", '
            '"namespace": "lab", "role": "peer"}]}',
            TouchesAny((ObjectReference("node", "n1"), ObjectReference("device", "d", "lab", "peer"))),
        ),
        (
            '{"selectors": ["severity>=error"]}',
            FieldTest(EventField.SEVERITY, Comparison.GREATER_OR_EQUAL, 4),
        ),
        ('{"or": []}', NONE),
        ('{"not": {"or": []}}', Not(NONE)),
        ('{"not": {}}', Not(ALL)),
        ('{"or": [{}, {"actors": ["a"]}]}', Or((ALL, equals_any(EventField.ACTOR, ("a",))))),
    ],
)
def test_each_field_has_its_selector(text: str, expected: Selector) -> None:
    assert from_variable(text) == expected


def test_every_given_field_must_hold() -> None:
    found = from_variable(
        '{"actors": ["a"], "success": true, "and": [{"sources": ["s"]}, {"not": {"traceIds": ["t"]}}]}'
    )
    assert found == And(
        (
            equals_any(EventField.ACTOR, ("a",)),
            equals_any(EventField.SUCCESS, (True,)),
            equals_any(EventField.SOURCE, ("s",)),
            Not(equals_any(EventField.TRACE_ID, ("t",))),
        )
    )


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ('{"eq": "a "}', equals_any(EventField.ACTOR, ("a ",))),
        ('{"in": ["a", "b"]}', equals_any(EventField.ACTOR, ("a", "b"))),
        ('{"in": []}', equals_any(EventField.ACTOR, ())),
        ('{"prefix": "a%"}', FieldTest(EventField.ACTOR, Comparison.PREFIX, "a%")),
        ('{"prefix": ""}', FieldTest(EventField.ACTOR, Comparison.PREFIX, "")),
        ('{"contains": "_"}', FieldTest(EventField.ACTOR, Comparison.CONTAINS, "_")),
        ('{"isNull": true}', FieldTest(EventField.ACTOR, Comparison.IS_NULL, None)),
        ('{"isNull": false}', Not(FieldTest(EventField.ACTOR, Comparison.IS_NULL, None))),
    ],
)
def test_each_text_test_has_its_selector_f12_f13(test: str, expected: Selector) -> None:
    assert from_variable(f'{{"fields": [{{"field": "ACTOR", "test": {test}}}]}}') == expected


@pytest.mark.parametrize("name", ["PARENT_ID", "REGISTRATION_ID"])
def test_texts_that_are_no_uuid_match_no_id_and_case_is_ignored_f18(name: str) -> None:
    field = EventField[name]
    given = f'{{"fields": [{{"field": "{name}", "test": {{"in": ["{ID.upper()}", "x"]}}}}]}}'
    assert from_variable(given) == equals_any(field, (ID,))
    prefix = f'{{"fields": [{{"field": "{name}", "test": {{"prefix": "01890A"}}}}]}}'
    assert from_variable(prefix) == FieldTest(field, Comparison.PREFIX, "01890A")


def test_every_text_field_can_be_tested() -> None:
    enum = SCHEMA._schema.type_map["TextField"]
    for name in enum.values:  # type: ignore[attr-defined]
        found = from_variable(f'{{"fields": [{{"field": "{name}", "test": {{"isNull": true}}}}]}}')
        assert found == FieldTest(EventField[name], Comparison.IS_NULL, None)


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ('{"eq": 1.10}', JsonTest(("a b", "c.d"), JsonComparison.IN, ("1.10",))),
        ('{"eq": 9007199254740993}', JsonTest(("a b", "c.d"), JsonComparison.IN, ("9007199254740993",))),
        (
            '{"eq": {"z": 1, "a": [true, null]}}',
            JsonTest(("a b", "c.d"), JsonComparison.IN, ('{"z":1,"a":[true,null]}',)),
        ),
        ('{"in": [1, "1", false]}', JsonTest(("a b", "c.d"), JsonComparison.IN, ("1", '"1"', "false"))),
        ('{"in": []}', JsonTest(("a b", "c.d"), JsonComparison.IN, ())),
        ('{"lt": -1e3}', JsonTest(("a b", "c.d"), JsonComparison.LESS, "-1e3")),
        ('{"lte": 0}', JsonTest(("a b", "c.d"), JsonComparison.LESS_OR_EQUAL, "0")),
        ('{"gt": 0.5}', JsonTest(("a b", "c.d"), JsonComparison.GREATER, "0.5")),
        ('{"gte": 1E400}', JsonTest(("a b", "c.d"), JsonComparison.GREATER_OR_EQUAL, "1E400")),
        ('{"contains": ""}', JsonTest(("a b", "c.d"), JsonComparison.CONTAINS, "")),
        ('{"includes": "x"}', JsonTest(("a b", "c.d"), JsonComparison.INCLUDES, '"x"')),
        ('{"exists": true}', JsonTest(("a b", "c.d"), JsonComparison.EXISTS, None)),
        ('{"exists": false}', Not(JsonTest(("a b", "c.d"), JsonComparison.EXISTS, None))),
        ('{"isNull": true}', JsonTest(("a b", "c.d"), JsonComparison.IS_NULL, None)),
        ('{"isNull": false}', Not(JsonTest(("a b", "c.d"), JsonComparison.IS_NULL, None))),
    ],
)
def test_each_json_test_has_its_selector_f9_f11_f12(test: str, expected: Selector) -> None:
    assert from_variable(f'{{"extra": [{{"path": ["a b", "c.d"], "test": {test}}}]}}') == expected


def test_literals_of_the_document_keep_the_digits_of_numbers() -> None:
    found = from_literal('{extra: [{path: "n", test: {in: [1.10, -0, {a: [1e5, "x", true, null]}]}}]}')
    assert found == JsonTest(("n",), JsonComparison.IN, ("1.10", "-0", '{"a":[1e5,"x",true,null]}'))


@pytest.mark.parametrize("value", ['"5"', "true", "[1]", '{"a": 1}', '"1e5"'])
@pytest.mark.parametrize("name", ["lt", "lte", "gt", "gte"])
def test_orderings_of_json_values_take_numbers_only_f9(name: str, value: str) -> None:
    code, message = refusal(f'{{"extra": [{{"path": ["a"], "test": {{"{name}": {value}}}}}]}}')
    assert code is ErrorCode.BAD_USER_INPUT
    assert message == f"filter.extra[0].test.{name} takes a number: texts and other values have no order here"


def test_an_empty_json_path_is_refused_f10() -> None:
    code, message = refusal('{"extra": [{"path": [], "test": {"exists": true}}]}')
    assert code is ErrorCode.BAD_USER_INPUT
    assert message == "filter.extra[0].path is empty: name the keys that lead to a value inside extra"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"actors": null}', "filter.actors"),
        ('{"since": null}', "filter.since"),
        ('{"minSeverity": null}', "filter.minSeverity"),
        ('{"and": null}', "filter.and"),
        ('{"not": null}', "filter.not"),
        ('{"not": {"or": [{}, {"success": null}]}}', "filter.not.or[1].success"),
        ('{"objects": [{"objectType": "a", "objectId": "b", "role": null}]}', "filter.objects[0].role"),
        ('{"and": [{"messageContains": null}]}', "filter.and[0].messageContains"),
    ],
)
def test_a_null_inside_a_filter_is_refused_with_its_place(text: str, place: str) -> None:
    code, message = refusal(text)
    assert code is ErrorCode.BAD_USER_INPUT
    assert message == f"{place} is null: leave it out, or use isNull"


@pytest.mark.parametrize(("start", "end"), [("since", "until"), ("receivedSince", "receivedUntil")])
def test_an_inverted_range_is_refused_at_any_depth_f15(start: str, end: str) -> None:
    inverted = f'{{"{start}": "2026-01-02T00:00:00Z", "{end}": "2026-01-01T00:00:00Z"}}'
    code, message = refusal(f'{{"or": [{{"not": {inverted}}}]}}')
    assert code is ErrorCode.BAD_USER_INPUT
    assert message == (
        f"filter.or[0].not.{start} (2026-01-02T00:00:00.000000Z) is after {end} (2026-01-01T00:00:00.000000Z): "
        "exchange them"
    )


def test_an_empty_range_and_one_over_several_filters_are_allowed_f15() -> None:
    same = '"2026-01-01T00:00:00Z"'
    assert from_variable(f'{{"since": {same}, "until": {same}}}') != ALL
    assert from_variable(f'{{"since": {same}, "and": [{{"until": "2025-01-01T00:00:00Z"}}]}}') != ALL


@pytest.mark.parametrize("value", ["1969-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00"])
def test_a_time_outside_the_stored_years_is_refused(value: str) -> None:
    code, message = refusal(f'{{"and": [{{"until": "{value}"}}]}}')
    assert code is ErrorCode.BAD_USER_INPUT
    assert message == "filter.and[0].until lies outside the years 1970 to 9999"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"actors": ["a", "\\ud800"]}', "filter.actors[1]"),
        ('{"messageContains": "\\udfff"}', "filter.messageContains"),
        ('{"objects": [{"objectType": "a", "objectId": "\\ud83d"}]}', "filter.objects[0].objectId"),
        ('{"fields": [{"field": "ACTOR", "test": {"prefix": "\\ud800"}}]}', "filter.fields[0].test.prefix"),
        ('{"extra": [{"path": ["\\ud800"], "test": {"exists": true}}]}', "filter.extra[0].path[0]"),
        ('{"selectors": ["actor=\\ud800"]}', "filter.selectors[0]"),
        ('{"extra": [{"path": ["a"], "test": {"eq": {"\\ud800😀": 1}}}]}', "filter.extra[0].test.eq"),
        ('{"extra": [{"path": ["a"], "test": {"in": [1, "\\ud800"]}}]}', "filter.extra[0].test.in"),
        ('{"extra": [{"path": ["a"], "test": {"includes": "\\ud800"}}]}', "filter.extra[0].test.includes"),
    ],
)
def test_half_a_surrogate_pair_is_refused_with_its_place(text: str, place: str) -> None:
    code, message = refusal(text)
    assert code is ErrorCode.BAD_USER_INPUT
    assert message.startswith(f"{place} holds half of a surrogate pair: send whole characters")


@pytest.mark.parametrize("name", ["minDurationMs", "maxDurationMs"])
@pytest.mark.parametrize("value", ["1e400", "-1e400", "9" * 5000])
def test_a_duration_beyond_every_number_is_refused_in_a_literal_too(name: str, value: str) -> None:
    result, _ = _run(f"{{ selector(filter: {{{name}: {value}}}) }}", {})
    assert result.errors is not None
    assert code_of(result.errors[0].original_error) is ErrorCode.BAD_USER_INPUT
    assert result.errors[0].message == f"filter.{name} is beyond every number that can be stored"


def test_whole_surrogate_pairs_and_nul_are_texts_like_any_other() -> None:
    assert from_variable('{"actors": ["\\ud83d\\ude00", "\\u0000"]}') == equals_any(EventField.ACTOR, ("😀", "\0"))


@pytest.mark.parametrize(
    ("selector", "reason"),
    [
        ("colour=red", "colour"),
        ("actor=", "actor"),
        ('actor="x', "quot"),
        ("severity>=awful", "awful"),
        ("id=nonsense", "nonsense"),
    ],
)
def test_a_selector_that_cannot_be_understood_is_refused_with_its_place_f4_f21_sy2(selector: str, reason: str) -> None:
    escaped = selector.replace('"', '\\"')
    code, message = refusal(f'{{"not": {{"selectors": ["actor=a", "{escaped}"]}}}}')
    assert code is ErrorCode.BAD_USER_INPUT
    assert message.startswith("filter.not.selectors[1]: ")
    assert reason in message


@pytest.mark.parametrize("name", ["ids", "actors", "objectTypes"])
def test_a_list_with_too_many_values_is_too_complex_f23(name: str) -> None:
    most = ", ".join([f'"{ID}"'] * MAX_LIST_VALUES)
    assert from_variable(f'{{"{name}": [{most}]}}') != ALL
    code, message = refusal(f'{{"{name}": [{most}, "{ID}"]}}')
    assert code is ErrorCode.QUERY_TOO_COMPLEX
    assert message == f"filter.{name} has 1001 values, a list in a filter has at most 1000"


def test_nesting_does_not_get_around_the_limit_of_values_f23() -> None:
    values = ", ".join(['"a"'] * MAX_LIST_VALUES)
    parts = ", ".join([f'{{"actors": [{values}]}}'] * (MAX_FILTER_VALUES // MAX_LIST_VALUES))
    code, message = refusal(f'{{"or": [{parts}]}}')
    assert code is ErrorCode.QUERY_TOO_COMPLEX
    assert message == "the lists of a filter have at most 10000 values together"


def test_filters_nest_only_so_deep() -> None:
    def nested(depth: int) -> str:
        return '{"not": ' * (depth - 1) + "{}" + "}" * (depth - 1)

    assert from_variable(nested(MAX_FILTER_DEPTH)) != ALL
    code, message = refusal(nested(MAX_FILTER_DEPTH + 1))
    assert code is ErrorCode.QUERY_TOO_COMPLEX
    assert message.startswith("filters nest at most 32 deep")

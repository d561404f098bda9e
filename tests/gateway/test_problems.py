"""Problems in GraphQL: what is open, dismissals and their ends, who may see and do what (HZ6, NU4, GQ2, P3, P7)."""

import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import ErrorCode
from gateway.execution import Executor
from gateway.metrics import Metrics
from mutations.drafts import EventDraft, ObjectDraft
from mutations.ingest import IngestLimits, ingest_events
from storage.engine import Database
from storage.identities import AudienceName
from storage.tables import problem_dismissals
from tests.gateway.execution import NOW, SCHEMA, Caller
from tests.gateway.history import event_id
from tests.storage.histories import scope_of_audiences, scope_of_namespaces

EACH_DATABASE = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
MINUTE = 60_000_000
PROBLEM = """id object { objectId } event { id message severity } since occurrences occurrencesKind
  dismissedBy dismissedUntil"""
LIST = f"""query ($namespace: String, $min: Severity! = WARNING, $dismissed: Boolean! = false,
    $first: Int, $after: String, $last: Int, $before: String) {{
  problems(namespace: $namespace, minSeverity: $min, includeDismissed: $dismissed,
      first: $first, after: $after, last: $last, before: $before) {{
    nodes {{ {PROBLEM} }}
    pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
  }}
}}"""
DISMISS = f"""mutation ($input: DismissProblemInput!) {{
  dismissProblem(input: $input) {{ problem {{ {PROBLEM} }} }}
}}"""
NODE = f"query ($id: ID!) {{ node(id: $id) {{ id ... on Problem {{ {PROBLEM} }} }} }}"


@pytest.fixture
def caller(database: Database) -> Caller:
    """Somebody who may do everything, in a store without events."""
    return Caller(database)


async def tell(
    caller: Caller,
    number: int,
    *,
    severity: str = "ERROR",
    on: Sequence[str] = ("vm-1",),
    minute: int = 0,
    **given: Any,
) -> None:
    """Store event `number`, `minute` minutes before NOW unless it is a later one."""
    draft = EventDraft(
        id=event_id(number),
        event_type="status",
        source="host-1",
        message=f"event {number}",
        timestamp=NOW - 100 * MINUTE + (minute or number) * MINUTE,
        severity=severity,
        **({"objects": [ObjectDraft("vm", each) for each in on]} | given),
    )
    report = await ingest_events(
        caller.database, [draft], home_namespace="default", limits=IngestLimits(), clock=lambda: NOW
    )
    assert [result.outcome.name for result in report.results] == ["ACCEPTED"]


@EACH_DATABASE
async def test_problems_of_objects_of_some_types_are_asked_for(caller: Caller) -> None:
    await tell(caller, 1, objects=[ObjectDraft("vm", "vm-1"), ObjectDraft("node", "n-1")])
    await tell(caller, 2, objects=[ObjectDraft("disk", "d-1")])
    for types, expected in (
        ('["node", "disk"]', ["d-1", "n-1"]),
        ('"vm"', ["vm-1"]),
        ("[]", []),
        ("null", ["d-1", "n-1", "vm-1"]),
    ):
        answer = await caller.run(f"{{ problems(objectTypes: {types}) {{ nodes {{ object {{ objectId }} }} }} }}")
        assert [node["object"]["objectId"] for node in answer.data["problems"]["nodes"]] == expected
    query = "query ($types: [String!]) { problems(objectTypes: $types) { nodes { id } } }"
    many = await caller.run(query, {"types": ["a"] * 1_001})
    assert many.error[0] is ErrorCode.QUERY_TOO_COMPLEX


async def listed(caller: Caller, context: Any = None, **variables: Any) -> list[Any]:
    nodes: list[Any] = (await caller.run(LIST, variables, **(context or {}))).data["problems"]["nodes"]
    return nodes


async def messages(caller: Caller, context: Any = None, **variables: Any) -> list[tuple[str, str]]:
    nodes = await listed(caller, context, **variables)
    return [(node["object"]["objectId"], node["event"]["message"]) for node in nodes]


async def dismiss(caller: Caller, node_id: str, context: Any = None, **given: Any) -> Any:
    answer = await caller.run(DISMISS, {"input": {"id": node_id, **given}}, **(context or {}))
    return answer.data["dismissProblem"]["problem"]


@EACH_DATABASE
async def test_a_problem_lives_from_its_first_error_to_a_success_or_dismissal(caller: Caller) -> None:
    """HZ6: one per object; a dismissal with an end is void from then on; a newer error comes up at once."""
    await tell(caller, 1, severity="WARNING")
    await tell(caller, 2, on=("vm-1", "vm-2"))
    await tell(caller, 3, severity="INFO")
    first, second = await listed(caller)
    assert (first["object"], first["event"]["message"]) == ({"objectId": "vm-1"}, "event 2")
    assert (first["occurrences"], first["occurrencesKind"], first["since"]) == (
        2,
        "EXACT",
        "2026-01-01T10:21:00.000000Z",
    )
    assert (second["object"], second["occurrences"]) == ({"objectId": "vm-2"}, 1)
    # What counts as an error decides how often there was one.
    [critical, _] = await listed(caller, min="ERROR")
    assert (critical["event"]["id"], critical["occurrences"]) == (event_id(2), 1)
    assert await listed(caller, min="CRITICAL") == []
    until = "2026-01-01T13:00:00.000000Z"
    dismissed = await dismiss(caller, first["id"], until=until, reason="known")
    assert dismissed == {**first, "dismissedBy": "anonymous", "dismissedUntil": until}
    assert await messages(caller) == [("vm-2", "event 2")]
    assert (await listed(caller, dismissed=True))[0] == dismissed
    assert (await caller.run(NODE, {"id": first["id"]})).data["node"] == dismissed
    assert await messages(replace(caller, now=NOW + 59 * MINUTE)) == [("vm-2", "event 2")]
    assert (await listed(replace(caller, now=NOW + 60 * MINUTE)))[0] == first
    # Again, for good this time; the newer error is another problem, whose errors are counted from there.
    assert (await dismiss(caller, first["id"], until=None))["dismissedUntil"] is None
    await tell(caller, 4)
    [newer, _] = await listed(replace(caller, now=NOW + 60 * MINUTE))
    assert (newer["event"]["id"], newer["occurrences"], newer["dismissedBy"]) == (event_id(4), 1, None)
    # The id of the earlier one is still understood.
    assert (await caller.run(NODE, {"id": first["id"]})).data["node"] is None
    assert await dismiss(caller, first["id"]) == newer
    await tell(caller, 5, severity="INFO", success=True)
    assert await messages(caller, dismissed=True) == [("vm-2", "event 2")]
    assert await dismiss(caller, newer["id"]) is None
    assert (await caller.run(NODE, {"id": newer["id"]})).data["node"] is None


@EACH_DATABASE
async def test_a_dismissal_is_told_on_the_object_to_those_who_see_the_error(caller: Caller) -> None:
    """NU4: in the same audience, nobody learns more; and what tells of it is no error, whatever counts as one."""
    await tell(caller, 1, visible_to=["ann"])
    [problem] = await listed(caller, min="DEBUG")
    ann = await scope_of_audiences(caller.database, AudienceName("default", ("ann",), None))
    plain: dict[str, Any] = {"scope": await scope_of_audiences(caller.database, AudienceName("default", None, None))}
    assert await messages(caller, plain) == []
    refused = await caller.run(DISMISS, {"input": {"id": problem["id"]}}, **plain)
    assert refused.error[0] is ErrorCode.NOT_FOUND
    found = await dismiss(caller, problem["id"], {"scope": ann}, until="2026-01-02T00:00:00Z", reason="r")
    assert found["dismissedBy"] == "anonymous"
    timeline = """{ object(objectType: "vm", objectId: "vm-1") { timeline { nodes {
      eventType category severity source actor namespace success extra message objects { role }
    } } } }"""
    told = (await caller.run(timeline, scope=ann)).data["object"]["timeline"]["nodes"][0]
    assert told == {
        "eventType": "problem.dismissed",
        "category": "audit",
        "severity": "NOTICE",
        "source": "timeloom",
        "actor": "anonymous",
        "namespace": "default",
        "success": None,
        "extra": {"event": event_id(1), "until": "2026-01-02T00:00:00.000000Z", "reason": "r"},
        "message": "the problem of vm vm-1 was dismissed until 2026-01-02T00:00:00.000000Z",
        "objects": [{"role": None}],
    }
    assert (await caller.run(timeline, **plain)).data["object"]["timeline"]["nodes"] == []
    assert await listed(caller, min="DEBUG") == []
    [shown] = await listed(caller, min="NOTICE", dismissed=True)
    assert shown["event"] == problem["event"]
    # Whoever cannot see the dismissed error does not see that it closed an earlier one.
    await tell(caller, 2, on=("vm-3",))
    await tell(caller, 3, on=("vm-3",), visible_to=["ann"])
    [newest] = [each for each in await listed(caller) if each["event"]["id"] == event_id(3)]
    await dismiss(caller, newest["id"])
    assert await messages(caller) == []
    assert await messages(caller, plain) == [("vm-3", "event 2")]


@EACH_DATABASE
async def test_objects_show_their_problem_and_a_hundred_cost_as_much_as_one_gq2(caller: Caller) -> None:
    names = [f"vm-{number:03}" for number in range(100)]
    for number in range(1, 11):
        await tell(
            caller, number, on=names[number * 10 - 10 : number * 10], severity="INFO" if number == 10 else "ERROR"
        )
    selection = "nodes { objectId problems { nodes { event { message } occurrences object { objectId } } } }"
    document = "query ($first: Int!) { objects(first: $first) { " + selection + " } }"
    await caller.run(document, {"first": 1})
    one, many = [await caller.run(document, {"first": size}) for size in (1, 100)]
    assert many.data["objects"]["nodes"] == [
        {
            "objectId": name,
            "problems": {
                "nodes": [
                    {"event": {"message": f"event {place // 10 + 1}"}, "occurrences": 1, "object": {"objectId": name}}
                ]
                if place < 90
                else []
            },
        }
        for place, name in enumerate(names)
    ]
    # Counting is a statement for each hundred places; here they are three severities of ninety objects.
    assert len(many.statements) == len(one.statements) + 2
    stock = replace(caller, executor=Executor(SCHEMA, Metrics(), compiled=False))
    again = await stock.run(document, {"first": 100})
    assert (again.body, len(again.statements)) == (many.body, len(many.statements))
    without = await caller.run("{ problems { nodes { id event { message } } } }")
    assert not [sql for sql in without.statements if "repeat_count" in sql]
    paged = """query ($first: Int, $after: String) { object(objectType: "vm", objectId: "vm-000") {
      problems(first: $first, after: $after) { edges { cursor } pageInfo { hasNextPage hasPreviousPage endCursor } }
    } }"""
    page = (await caller.run(paged)).data["object"]["problems"]
    cursor = page["edges"][0]["cursor"]
    assert page["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": False, "endCursor": cursor}
    assert (await caller.run(paged, {"first": 0})).data["object"]["problems"]["pageInfo"]["hasNextPage"]
    assert (await caller.run(paged, {"after": cursor})).data["object"]["problems"]["edges"] == []


@EACH_DATABASE
async def test_pages_of_problems_put_together_are_the_list(caller: Caller) -> None:
    """P1 to P3: newest error first, then by object; one event may be the error of several; cursors are typed."""
    for number in range(1, 6):
        await tell(caller, number, on=[f"vm-{number}-{each}" for each in range(3)])
    await tell(caller, 6, on=["elsewhere"], namespace="lab")
    everything = await messages(caller)
    assert everything[:3] == [("elsewhere", "event 6"), ("vm-5-0", "event 5"), ("vm-5-1", "event 5")]
    assert (len(everything), await messages(caller, namespace="lab")) == (16, everything[:1])
    found: list[Any] = []
    cursor = None
    while True:
        page = (await caller.run(LIST, {"first": 7, "after": cursor})).data["problems"]
        found += page["nodes"]
        cursor = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert [(each["object"]["objectId"], each["event"]["message"]) for each in found] == everything
    back = (await caller.run(LIST, {"last": 4, "before": cursor})).data["problems"]
    assert back["nodes"] == found[-5:-1]
    assert (back["pageInfo"]["hasNextPage"], back["pageInfo"]["hasPreviousPage"]) == (True, True)
    wrong = await caller.run("query ($after: String) { events(after: $after) { nodes { id } } }", {"after": cursor})
    assert wrong.error == (ErrorCode.BAD_USER_INPUT, "after: this cursor belongs to a list of problems, not of events")
    scope = await scope_of_namespaces(caller.database, "lab")
    assert await messages(caller, {"scope": scope}) == everything[:1]


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_what_cannot_be_dismissed_is_refused_and_changes_nothing(caller: Caller) -> None:
    await tell(caller, 1)
    await tell(caller, 2, severity="INFO", on=("vm-2",))
    [problem] = await listed(caller)
    quiet = (await caller.run('{ object(objectType: "vm", objectId: "vm-2") { id } }')).data["object"]["id"]
    named = base64.urlsafe_b64encode(f'["default","vm","vm-2","default","{event_id(2)}",3]'.encode()).decode()
    past = "2026-01-01T12:00:00Z"
    text = "2026-01-01T11:00:00Z"
    for given, code, message in (
        ({"id": quiet}, ErrorCode.BAD_USER_INPUT, "input.id is no id of a problem"),
        ({"id": "problem:e30"}, ErrorCode.BAD_USER_INPUT, "input.id is no id of a problem"),
        ({"id": f"problem:{named}"}, ErrorCode.NOT_FOUND, "there is no such problem"),
        ({"id": problem["id"], "until": past}, ErrorCode.BAD_USER_INPUT, "until must lie in the future"),
        ({"id": problem["id"], "until": text}, ErrorCode.BAD_USER_INPUT, "until must lie in the future"),
        ({"id": problem["id"], "reason": "x" * 1001}, ErrorCode.BAD_USER_INPUT, "reason has 1001 characters"),
        ({"id": problem["id"], "reason": "a\0"}, ErrorCode.BAD_USER_INPUT, "reason holds the character NUL"),
    ):
        answer = await caller.run(DISMISS, {"input": given})
        assert (answer.error[0], answer.error[1][: len(message)]) == (code, message)
    reader = replace(caller, rights=("READ", "INGEST", "DELETE"))
    assert (await reader.run(DISMISS, {"input": {"id": problem["id"]}})).error == (
        ErrorCode.FORBIDDEN,
        "this needs the right OPERATE in the namespace default, which you do not have",
    )
    assert await listed(caller, dismissed=True) == [problem]
    async with caller.database.reading() as connection:
        assert (await connection.execute(problem_dismissals.select())).all() == []
    for nothing in ("problem:", "problem:e30", f"problem:{named}"):
        assert (await caller.run(NODE, {"id": nothing})).data == {"node": None}

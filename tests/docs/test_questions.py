"""The named questions of docs/questions.md give telling answers on the demo history (SY5, HZ6, GQ1)."""

import json
import re
from collections import defaultdict
from typing import Any

import httpx2

from gateway.demo.showcase import FAILED_SESSION_ID, FAILING_PEER, LOST_NODE, SLOW_SESSION_ID
from tests.docs.markdown import ROOT, read_blocks

_NAME = re.compile(r"query (\w+)")
QUESTIONS = {match[1]: block for block in read_blocks(ROOT / "docs/questions.md") if (match := _NAME.match(block.text))}
FORTNIGHT = {"since": "2026-02-15T00:00:00Z", "until": "2026-03-01T00:00:00Z"}


async def ask(gateway: httpx2.AsyncClient, name: str, **variables: Any) -> Any:
    answer = await gateway.post("/graphql", json={"query": QUESTIONS[name].text, "variables": variables})
    assert "errors" not in answer.json(), answer.text
    return answer.json()["data"]


def test_the_page_of_graphiql_asks_the_same_questions() -> None:
    examples = json.loads((ROOT / "web/src/examples.json").read_text(encoding="utf-8"))
    asked = {match[1]: text for each in examples if (match := _NAME.match(text := "\n".join(each["query"])))}
    shown = set(QUESTIONS) - {"WhatDidThisRequestDo"}
    assert {name: asked.get(name) for name in shown} == {name: QUESTIONS[name].text for name in shown}


async def test_why_did_sync_fail(gateway: httpx2.AsyncClient) -> None:
    """SY5: the first error names the reason and the peer; the session shows what had come before."""
    answer = await ask(gateway, "WhyDidSyncFail", session=FAILED_SESSION_ID)
    first, then = answer["causes"]["nodes"]
    assert (first["eventType"], then["eventType"]) == ("sync_error", "backfill_session_failed")
    assert first["message"] == "peer closed the connection in the middle of a batch"
    assert first["objects"] == [{"role": "peer", "object": {"objectType": "device", "objectId": FAILING_PEER}}]
    assert first["extra"]["records lost"] > 0
    steps = answer["steps"]
    assert steps["state"] == "FAILED"
    stored = [entry["event"] for entry in steps["entries"] if entry["event"]["eventType"] == "batch_ingestion"]
    assert [batch["message"].endswith(f"from {FAILING_PEER}") for batch in stored] == [True]


async def test_why_is_backfill_slow(gateway: httpx2.AsyncClient) -> None:
    """SY5: the rate per batch falls, the gaps are short, the durations grow."""
    answer = await ask(gateway, "WhyIsBackfillSlow", session=SLOW_SESSION_ID, **FORTNIGHT)
    batches = answer["batches"]["nodes"]
    assert len(batches) == 12
    rates = [batch["recordsPerSecond"] for batch in batches]
    assert sum(rates[:4]) > 2 * sum(rates[-4:])
    gaps = [entry["gapMs"] for entry in answer["steps"]["entries"] if entry["event"]["eventType"] == "batch_ingestion"]
    assert (gaps[0], len(gaps)) == (None, 12)
    assert max(gaps[1:]) < min(batch["durationMs"] for batch in batches)
    [series] = answer["trend"]["series"]
    assert sum(point["count"] for point in series["points"]) == 12
    assert sum(point["recordSum"] for point in series["points"]) == sum(batch["recordCount"] for batch in batches)


async def test_which_peer_and_why(gateway: httpx2.AsyncClient) -> None:
    """SY5: one device has most of the errors, and its last one says why."""
    devices = (await ask(gateway, "WhichPeerAndWhy"))["objects"]["nodes"]
    errors = {device["objectId"]: device["errors"]["totalCount"]["value"] for device in devices}
    assert len(devices) == 6
    assert max(errors, key=lambda name: errors[name]) == FAILING_PEER
    assert all(errors[name] * 2 <= errors[FAILING_PEER] for name in errors if name != FAILING_PEER)
    [worst] = [device for device in devices if device["objectId"] == FAILING_PEER]
    assert worst["errors"]["nodes"][0]["message"]


async def test_did_we_lose_data(gateway: httpx2.AsyncClient) -> None:
    """SY5: per day, what was sent and never stored is what the broken sessions say they lost."""
    answer = await ask(gateway, "DidWeLoseData", **FORTNIGHT)
    sent, stored = (
        [point["recordSum"] for point in series["points"]]
        for series in sorted(answer["pages"]["series"], key=lambda series: series["value"])
    )
    missing = [there - here for there, here in zip(sent, stored, strict=True)]
    lost: dict[str, int] = defaultdict(int)
    for node in answer["broken"]["nodes"]:
        lost[node["timestamp"][:10]] += node["extra"]["records lost"]
    assert answer["pages"]["bucketMs"] == 86_400_000
    assert sorted(filter(None, missing)) == sorted(lost.values()) != []


async def test_what_is_still_wrong(gateway: httpx2.AsyncClient) -> None:
    """HZ6: what came good again is not in the list; what somebody has seen to leaves it."""
    found = await problems(gateway)
    named = [(problem["object"]["objectType"], problem["object"]["objectId"]) for problem in found]
    assert len(set(named)) == len(named) > 10
    assert ("device", FAILING_PEER) in named
    assert ("node", LOST_NODE) not in named
    variables = json.loads(QUESTIONS["WhatDidThisRequestDo"].variables or "")
    assert [
        problem["event"]["message"]
        for problem in found
        if problem["event"]["requestId"] == variables["requestId"] and problem["object"]["objectType"] == "instance"
    ] == ["api request: POST /instances answered 500"]
    dismissed = found[named.index(("device", FAILING_PEER))]
    mutation = "mutation ($id: ID!) { dismissProblem(input: { id: $id }) { problem { dismissedBy } } }"
    answer = await gateway.post("/graphql", json={"query": mutation, "variables": {"id": dismissed["id"]}})
    assert answer.json() == {"data": {"dismissProblem": {"problem": {"dismissedBy": "local administrator"}}}}
    assert await problems(gateway) == [problem for problem in found if problem is not dismissed]


async def problems(gateway: httpx2.AsyncClient) -> list[Any]:
    """All of them, page by page, as somebody would who copies the query."""
    query, found = QUESTIONS["WhatIsStillWrong"].text, list[Any]()
    after = ""
    while True:
        text = query.replace("first: 20", f"first: 20{after}")
        answer = await gateway.post("/graphql", json={"query": text})
        page = answer.json()["data"]["problems"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = f', after: "{page["pageInfo"]["endCursor"]}"'


async def test_what_did_this_request_do(gateway: httpx2.AsyncClient) -> None:
    """EV4: from the call to the answer, with the operation that failed in between."""
    variables = json.loads(QUESTIONS["WhatDidThisRequestDo"].variables or "")
    request = (await ask(gateway, "WhatDidThisRequestDo", **variables))["request"]
    told = [event["message"] for event in request["events"]["nodes"]]
    assert told[0] == "api request: POST /instances"
    assert "instance_start: the base image could not be fetched" in told
    assert told[-1] == "api request: POST /instances answered 500"
    assert {each["objectType"] for each in request["objects"]} >= {"instance", "network", "blob", "node", "operation"}


async def test_what_happened_to_this_object(gateway: httpx2.AsyncClient) -> None:
    """EV3: the outage of a node, from the first missed heartbeat until it is up again."""
    variables = json.loads(QUESTIONS["WhatHappenedToThisObject"].variables or "")
    object_ = (await ask(gateway, "WhatHappenedToThisObject", **variables))["object"]
    told = [event["message"] for event in object_["timeline"]["nodes"]]
    down, up = told.index("sf-4 is down"), told.index("sf-4 is up again")
    assert told.index("sf-4 missed 1 of 3 heartbeats") < down < up
    assert any("is lost: its node is down" in message for message in told[down:up])

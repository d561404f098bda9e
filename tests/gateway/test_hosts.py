"""Who is answered at all: rules W3 and W4, design section 5."""

from collections.abc import Callable

import pytest

from gateway.hosts import AllowedHosts, is_loopback
from tests.gateway.serving import codes, serve_in_process

PATHS = ["/graphql", "/healthz", "/readyz", "/metrics", "/", "/graphiql", "/nothing"]


@pytest.mark.parametrize(
    "header", ["localhost", "localhost:8000", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:65535", "[::1]", "[::1]:8000"]
)
def test_local_names_are_accepted_with_every_port(header: str) -> None:
    assert AllowedHosts(("localhost", "127.0.0.1", "[::1]")).accepts(header)


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", "evil.example", "localhost.evil.example", "localhost:80:80", "127.0.0.1.nip.io", "a@localhost"),
        *("::1", "localhost:", "localhost/", " localhost", "[::1", "localhost:123456", "loc\u0430lhost"),
    ],
)
def test_other_names_are_not_accepted(header: str | None) -> None:
    assert not AllowedHosts(("localhost", "127.0.0.1", "[::1]")).accepts(header)


def test_an_entry_with_a_port_holds_for_that_port_only() -> None:
    hosts = AllowedHosts(("Timeloom.example:443",))
    assert [hosts.accepts(f"timeloom.example{port}") for port in (":443", ":80", "")] == [True, False, False]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        *(("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True)),
        *(("0.0.0.0", False), ("::", False), ("192.168.1.1", False), ("example.com", False), ("", False)),
    ],
)
def test_loopback_is_what_only_this_machine_reaches(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize("path", PATHS)
async def test_a_foreign_host_gets_421_on_every_path(new_database_url: Callable[[str], str], path: str) -> None:
    """W3, W4"""
    async with serve_in_process(new_database_url("sqlite")) as client:
        response = await client.get(path, headers={"host": "evil.example"})
    assert (response.status_code, codes(response)) == (421, ["FORBIDDEN"])


@pytest.mark.parametrize(
    "header", ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-anything", "via"]
)
async def test_what_came_through_a_proxy_gets_403(new_database_url: Callable[[str], str], header: str) -> None:
    """W3"""
    async with serve_in_process(new_database_url("sqlite")) as client:
        refused = await client.post("/graphql", json={"query": "{ __typename }"}, headers={header: "1.2.3.4"})
        foreign = await client.get("/healthz", headers={header: "1.2.3.4", "host": "evil.example"})
    assert (refused.status_code, codes(refused)) == (403, ["FORBIDDEN"])
    assert foreign.status_code == 421


async def test_allowed_hosts_is_a_setting(new_database_url: Callable[[str], str]) -> None:
    async with serve_in_process(new_database_url("sqlite"), allowed_hosts=("events.example",)) as client:
        served = await client.get("/healthz", headers={"host": "events.example:81"})
        local = await client.get("/healthz")
    assert (served.status_code, local.status_code) == (200, 421)

"""A real Prometheus reads a real gateway: settings, alarms and the dashboard name what is there (GQ7, GQ8)."""

import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from gateway.completion.compiler import Fallback
from gateway.errors import ErrorCode
from gateway.metrics import RUN_OUTCOMES
from mutations.outcomes import IngestOutcome
from tests.databases import command_path, free_port
from tests.deploy.promql import PROMETHEUS, RULES, labels_of, metrics_of, promtool, read_rules
from tests.docs.markdown import ROOT
from tests.processes import NO_TLS, GatewayProcess
from tests.waiting import wait_for

DASHBOARD = ROOT / "deploy/grafana/timeloom.json"
BOARD = json.loads(DASHBOARD.read_text(encoding="utf-8"))
VARIABLES = {"$__rate_interval": "1m", "$instance": ".*"}
TARGET = "127.0.0.1:8000"


def expressions() -> dict[str, str]:
    """Give every expression of the dashboard by its panel, with Grafana's variables put in."""
    found = {}
    for panel in BOARD["panels"]:
        for target in panel["targets"]:
            text = target["expr"]
            for name, value in VARIABLES.items():
                text = text.replace(name, value)
            found[f"{panel['title']} {target['refId']}"] = text
    return found


class Prometheus:
    """A running Prometheus with the settings of deploy/, which asks one gateway each fifth of a second."""

    def __init__(self, home: Path, gateway: GatewayProcess) -> None:
        text = (PROMETHEUS / "prometheus.yaml").read_text(encoding="utf-8")
        assert TARGET in text
        given = yaml.safe_load(text.replace(TARGET, f"127.0.0.1:{gateway.port}"))
        given["global"] = {"scrape_interval": "200ms", "evaluation_interval": "200ms"}
        given["rule_files"] = [str(RULES)]
        settings = home / "prometheus.yaml"
        settings.write_text(yaml.safe_dump(given))
        self.url = f"http://127.0.0.1:{free_port()}"
        self.log = home / "log"
        command = [
            *(command_path("setpriv"), "--pdeathsig", "KILL", "--", command_path("prometheus")),
            *(f"--config.file={settings}", f"--storage.tsdb.path={home}/data"),
            f"--web.listen-address={self.url.removeprefix('http://')}",
        ]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def close(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(timeout=30)

    def ask(self, path: str, **parameters: str) -> Any:
        """Ask its API and give the data; fails when it is an error."""
        answer = httpx2.get(f"{self.url}/api/v1/{path}", params=parameters, verify=NO_TLS).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def is_asking(self) -> bool:
        """Tell whether it has asked the gateway and worked out every rule."""
        try:
            if httpx2.get(f"{self.url}/-/ready", verify=NO_TLS).status_code != 200:
                return False
        except httpx2.TransportError:
            return False
        targets = self.ask("targets")["activeTargets"]
        rules = [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]
        return [each["health"] for each in targets] == ["up"] and {rule["health"] for rule in rules} == {"ok"}


@pytest.fixture
def gateway(gateway_process: Callable[..., GatewayProcess], new_database_url: Callable[[str], str]) -> GatewayProcess:
    """A gateway that has been asked for all sorts of things."""
    process = gateway_process(new_database_url("sqlite"))
    link = [{"objectType": "a", "objectId": "b"}]
    event = {"eventType": "audit", "source": "s", "message": "m", "objects": link}
    ingest = "mutation ($input: IngestEventsInput!) { ingestEvents(input: $input) { accepted } }"
    process.post({"query": ingest, "variables": {"input": {"events": [event, {**event, "id": "bad"}]}}})
    process.post({"query": "{ events { nodes { objects { role } } } __schema { queryType { name } } }"})
    process.post({"query": "{ nothing }"})
    return process


@pytest.fixture
def prometheus(gateway: GatewayProcess) -> Iterator[Prometheus]:
    """A Prometheus that has asked the gateway."""
    with tempfile.TemporaryDirectory() as home:
        running = Prometheus(Path(home), gateway)
        try:
            wait_for(running.is_asking, "Prometheus")
            yield running
        finally:
            running.close()


def family_of(metric: str, families: set[str]) -> str | None:
    """Give the family that a sample belongs to: a histogram's has others under its name."""
    for suffix in ("", "_bucket", "_sum", "_count"):
        if metric.endswith(suffix) and metric.removesuffix(suffix) in families:
            return metric.removesuffix(suffix)
    return None


def test_prometheus_reads_the_gateway_and_draws_every_panel(prometheus: Prometheus) -> None:
    """GQ7, GQ8: it is answered, Host header and all; no rule fails; only what did not happen has nothing to show."""
    rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert [rule["name"] for rule in rules] == [rule["alert"] for rule in read_rules()]

    def blank() -> set[str]:
        return {name for name, text in expressions().items() if not prometheus.ask("query", query=text)["result"]}

    expected = {"Statements that failed A", "Background tasks begun again A"}
    wait_for(lambda: blank() == expected, "every other panel")


def test_metrics_that_rules_and_panels_name_exist(gateway: GatewayProcess) -> None:
    shown = gateway.get("/metrics").text
    families = {line.split()[2] for line in shown.splitlines() if line.startswith("# TYPE")}
    texts = [rule["expr"] for rule in read_rules()] + list(expressions().values())
    named = set().union(*map(metrics_of, texts))
    assert [each for each in sorted(named) if family_of(each, families) is None] == []
    shown_somewhere = {family_of(each, families) for each in named}
    ours = {each for each in families if each.startswith("timeloom_") and not each.endswith("_created")}
    assert ours - shown_somewhere == set(), "a metric that nothing shows"


def test_expressions_of_the_dashboard_are_parsed_by_promtool(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(expressions().values())]
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", file)


def test_labels_in_rules_and_panels_are_those_of_the_program() -> None:
    text = RULES.read_text(encoding="utf-8") + "\n".join(expressions().values())
    assert labels_of(text, "code") <= set(ErrorCode.__members__)
    assert labels_of(text, "outcome") <= set(IngestOutcome.__members__) | set(RUN_OUTCOMES)
    assert labels_of(text, "reason") <= {each.value for each in Fallback}
    assert labels_of(text, "job") == {"timeloom"}


def test_panels_have_ids_of_their_own_and_name_alarms_that_exist() -> None:
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(ids) == len(set(ids))
    named = {each for panel in BOARD["panels"] for each in re.findall(r"Timeloom[A-Z]\w+", panel["description"])}
    assert named <= {rule["alert"] for rule in read_rules()}

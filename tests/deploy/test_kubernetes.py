"""deploy/kubernetes: built and read by kubectl, and in agreement with the program, the image and each other (GQ8)."""

import re
import subprocess
import tomllib
from functools import cache
from typing import Any

import pytest
import typer
import yaml

from gateway.cli import app
from gateway.hosts import is_loopback
from gateway.settings import CONFIG_VARIABLE, Settings, environment_name, load_settings
from tests.databases import command_path
from tests.deploy.containerfile import read_stages
from tests.docs.markdown import ROOT

KUBERNETES = ROOT / "deploy/kubernetes"
PODS = ("Deployment", "Job")
LAST = read_stages()[-1]


def kubectl(*arguments: str, given: str = "") -> Any:
    """Run kubectl without a cluster and give the documents that it prints."""
    done = subprocess.run(
        [command_path("kubectl"), *arguments], input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@cache
def manifests() -> dict[str, Any]:
    """Give what `kubectl apply -k` would send, by kind."""
    found = {each["kind"]: each for each in kubectl("kustomize", str(KUBERNETES))}
    assert len(found) == 6
    return found


def pod(kind: str) -> Any:
    """Give the pod that a Deployment or a Job starts."""
    return manifests()[kind]["spec"]["template"]["spec"]


def missing(given: Any, read: Any, place: str = "") -> list[str]:
    """Name what was given and is not there, or is another, after kubectl has read it."""
    if isinstance(given, dict):
        return [
            each
            for key, value in given.items()
            for each in (missing(value, read[key], f"{place}.{key}") if key in read else [f"{place}.{key}"])
        ]
    if isinstance(given, list):
        pairs = zip(given, read, strict=True)
        return [each for number, (one, other) in enumerate(pairs) for each in missing(one, other, f"{place}[{number}]")]
    return [] if given == read else [f"{place}: {given!r} read as {read!r}"]


def test_kustomization_holds_every_file_but_the_secrets() -> None:
    """GQ8"""
    assert set(manifests()) == {*PODS, "Namespace", "ConfigMap", "PodDisruptionBudget", "NetworkPolicy"}
    named = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    others = {"kustomization.yaml", "secrets.example.yaml"}
    assert {path.name for path in KUBERNETES.iterdir()} - others == set(named)


@pytest.mark.parametrize("kind", PODS)
def test_kubectl_knows_every_field_of_a_pod(kind: str) -> None:
    """What Kubernetes has no field for would be dropped in silence; kubectl's own types show it."""
    given = yaml.safe_dump(manifests()[kind])
    container = pod(kind)["containers"][0]["name"]
    (read,) = kubectl("set", "image", "--local", "-f", "-", f"{container}=other", "-o", "yaml", given=given)
    image = pod(kind)["containers"][0]["image"]
    assert missing(manifests()[kind], read) == [f".spec.template.spec.containers[0].image: {image!r} read as 'other'"]


@pytest.mark.parametrize("kind", PODS)
def test_pod_may_do_no_more_than_the_namespace_allows(kind: str) -> None:
    """Pod security standard `restricted`, which the namespace demands."""
    assert manifests()["Namespace"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    user, group = map(int, LAST.values("USER")[0].split(":"))
    assert pod(kind)["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": group,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert pod(kind)["automountServiceAccountToken"] is False
    for container in pod(kind)["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("kind", PODS)
def test_container_is_our_image_with_a_command_and_settings_that_exist(kind: str) -> None:
    (container,) = pod(kind)["containers"]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert container["image"] == f"timeloom:{version}"
    assert container["args"][0] in typer.main.get_command(app).commands  # type: ignore[attr-defined]
    known = {CONFIG_VARIABLE, *map(environment_name, Settings.model_fields)}
    assert {each["name"] for each in container["env"]} | set(manifests()["ConfigMap"]["data"]) <= known


def test_each_version_has_its_own_migration() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert manifests()["Job"]["metadata"]["name"] == f"timeloom-migrate-{version.replace('.', '-')}"


def test_settings_are_taken_and_keep_to_loopback() -> None:
    """W3: on a cluster too; so there is no Service, and nothing is asked from outside of the pod."""
    settings = load_settings(environment=manifests()["ConfigMap"]["data"]).settings
    assert is_loopback(settings.host)
    assert settings.insecure is True
    (container,) = pod("Deployment")["containers"]
    probes = {name: container[name]["exec"]["command"] for name in container if name.endswith("Probe")}
    asks = ["python", "-I", LAST.copies()[-1].target]
    assert probes == {
        "startupProbe": [*asks, "/healthz"],
        "livenessProbe": [*asks, "/healthz"],
        "readinessProbe": [*asks, "/readyz"],
    }
    assert pod("Deployment")["terminationGracePeriodSeconds"] >= settings.shutdown_seconds + 2 * 5


@pytest.mark.parametrize("kind", PODS)
def test_secret_is_mounted_where_the_program_looks(kind: str) -> None:
    (container,) = pod(kind)["containers"]
    (config,) = [each["value"] for each in container["env"] if each["name"] == CONFIG_VARIABLE]
    (secret,) = [each["secret"]["secretName"] for each in pod(kind)["volumes"] if "secret" in each]
    mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    directory, _, key = config.rpartition("/")
    assert directory == mounts["secret"]
    text = (KUBERNETES / "secrets.example.yaml").read_text(encoding="utf-8")
    examples = {each["metadata"]["name"]: each["stringData"] for each in yaml.safe_load_all(text)}
    user = {"Deployment": "timeloom_serve", "Job": "timeloom_migrate"}[kind]
    assert re.match(rf"mariadb\+asyncmy://{user}:", tomllib.loads(examples[secret][key])["database_url"])


def test_policies_mean_the_gateways() -> None:
    labels = manifests()["Deployment"]["spec"]["template"]["metadata"]["labels"]
    others = [
        manifests()["Deployment"]["spec"]["selector"],
        manifests()["PodDisruptionBudget"]["spec"]["selector"],
        manifests()["NetworkPolicy"]["spec"]["podSelector"],
    ]
    assert [each for each in others if not each["matchLabels"].items() <= labels.items()] == []
    policy = manifests()["NetworkPolicy"]["spec"]
    assert (policy["policyTypes"], policy["ingress"]) == (["Ingress", "Egress"], [])
    assert manifests()["Deployment"]["spec"]["replicas"] > manifests()["PodDisruptionBudget"]["spec"]["minAvailable"]
    job = manifests()["Job"]["spec"]["template"]["metadata"]["labels"]
    assert not manifests()["Deployment"]["spec"]["selector"]["matchLabels"].items() <= job.items()
    assert policy["podSelector"]["matchLabels"].items() <= job.items()

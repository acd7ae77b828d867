"""Laws about the Helm chart, held against what it renders to: deploy/helm/rendered, which deploy/check.sh writes."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from app.__main__ import _parser
from app.http_port import HttpPort
from app.kafka.acls import User
from app.settings import Settings, load_settings, variable
from schemas.topics import AFTER_SALE_REQUEST
from tests.packaging.image import PROJECT
from tests.packaging.test_image_and_compose import PORT, VERSION

HELM = PROJECT / "deploy" / "helm"
CHART = HELM / "autorefund"
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SETTINGS = {variable(name) for name in Settings.model_fields}
RENDERED = {
    path.stem: list(filter(None, yaml.safe_load_all(path.read_text()))) for path in (HELM / "rendered").glob("*.yaml")
}
Json = dict[str, Any]


def containers() -> Iterator[tuple[str, Json, Json]]:
    """(where, the pod's spec, its container) of everything that runs."""
    for name, documents in RENDERED.items():
        for document in documents:
            if document["kind"] in {"StatefulSet", "Deployment", "Job"}:
                pod = document["spec"]["template"]["spec"]
                yield f"{name}: {document['kind']}", pod, pod["containers"][0]


ALL = [pytest.param(pod, container, id=where) for where, pod, container in containers()]


def of_kind(kind: str, name: str = "production", *, auditor: bool = False) -> Json:
    """The one of that kind: the auditor's, or the other."""
    (found,) = (
        one for one in RENDERED[name] if one["kind"] == kind and one["metadata"]["name"].endswith("-audit") == auditor
    )
    return dict(found)


def container_of(kind: str, name: str = "production", *, auditor: bool = False) -> Json:
    (found,) = of_kind(kind, name, auditor=auditor)["spec"]["template"]["spec"]["containers"]
    return dict(found)


def environment(container: Json) -> dict[str, str]:
    return {one["name"]: one.get("value", "autorefund-0") for one in container["env"]}


def test_what_is_rendered_is_of_the_chart_as_it_is() -> None:
    files = sorted(
        str(path.relative_to(PROJECT))
        for folder in (CHART, HELM / "values")
        for path in folder.rglob("*")
        if path.is_file()
    )
    everything = "".join(f"{name}\n{(PROJECT / name).read_text()}" for name in files)
    now = hashlib.sha256(everything.encode()).hexdigest()
    for path in (HELM / "rendered").glob("*.yaml"):
        assert now in path.read_text().splitlines()[0], "the chart has changed: run deploy/check.sh chart"
    assert RENDERED.keys() == {path.stem for path in (HELM / "values").glob("*.yaml")}


def test_the_chart_has_the_project_s_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == VERSION


@pytest.mark.parametrize(
    "values", [{}, *(yaml.safe_load(path.read_text()) for path in (HELM / "values").glob("*.yaml"))]
)
def test_values_fit_their_schema(values: Json) -> None:
    Draft7Validator(SCHEMA).validate(VALUES | values)


def test_every_value_is_in_the_schema_and_the_other_way_round() -> None:
    assert SCHEMA["properties"].keys() - {"global"} == VALUES.keys()


def test_what_the_chart_sets_itself_cannot_be_set_twice() -> None:
    free = set(SCHEMA["properties"]["settings"]["propertyNames"]["enum"])
    own = set(re.findall(r"AUTOREFUND_[A-Z_]+", "".join(path.read_text() for path in (CHART / "templates").glob("*"))))
    assert free | own | {"AUTOREFUND_SASL_PASSWORD"} == SETTINGS  # a password is no value
    assert free & own <= {"AUTOREFUND_APP_ID"}  # which KEDA is told as well


@pytest.mark.parametrize(("pod", "container"), ALL)
def test_each_container_s_settings_are_settings_that_the_code_takes(pod: Json, container: Json) -> None:
    names = [one["name"] for one in container["env"]]
    assert len(names) == len(set(names))
    assert set(names) <= SETTINGS
    load_settings(environment(container))


@pytest.mark.parametrize(("pod", "container"), ALL)
def test_each_container_s_command_is_a_command(pod: Json, container: Json) -> None:
    _parser().parse_args(container["args"])


@pytest.mark.parametrize(("pod", "container"), ALL)
def test_no_container_can_do_more_than_it_needs(pod: Json, container: Json) -> None:
    assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert container["resources"]["limits"].keys() == {"memory"}  # a throttled lane holds up a shop


@pytest.mark.parametrize(("pod", "container"), ALL)
def test_files_that_settings_name_are_mounted_from_secrets(pod: Json, container: Json) -> None:
    volumes = {volume["name"]: volume for volume in pod.get("volumes") or []}
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    for name, value in environment(container).items():
        if name.endswith("_FILE"):
            mount = mounts[str(Path(value).parent)]
            assert mount["readOnly"]
            assert "secret" in volumes[mount["name"]]


@pytest.mark.parametrize(("pod", "container"), ALL)
def test_nobody_runs_as_another_user_than_the_image_s(pod: Json, container: Json) -> None:
    (user,) = re.findall(r"(?m)^USER (\d+):", (PROJECT / "deploy" / "Dockerfile").read_text())
    assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"] == int(user)


@pytest.mark.parametrize("name", RENDERED)
def test_probes_ask_what_the_worker_serves(name: str) -> None:
    container = container_of("StatefulSet", name)
    served = set(re.findall(r'"(/\w+)"', inspect.getsource(HttpPort.start)))
    paths = {probe: container[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "liveness", "readiness")}
    assert paths == {"startup": "/livez", "liveness": "/livez", "readiness": "/readyz"}
    assert set(paths.values()) | {of_kind("ServiceMonitor")["spec"]["endpoints"][0]["path"]} == served
    assert {container[f"{probe}Probe"]["httpGet"]["port"] for probe in paths} == {"http"}
    container = container_of("Deployment", name, auditor=True)
    assert [container[f"{probe}Probe"]["httpGet"]["path"] for probe in ("liveness", "readiness")] == [
        "/livez",
        "/readyz",
    ]


@pytest.mark.parametrize("name", RENDERED)
def test_one_port_everywhere(name: str) -> None:
    found = [one["port"] for rule in of_kind("NetworkPolicy", name)["spec"]["ingress"] for one in rule["ports"]]
    for kind, auditor in (("StatefulSet", False), ("Deployment", True)):
        container = container_of(kind, name, auditor=auditor)
        (port,) = of_kind("Service", name, auditor=auditor)["spec"]["ports"]
        found += [port["port"], container["ports"][0]["containerPort"]]
        found.append(int(environment(container)["AUTOREFUND_HTTP_PORT"]))
    assert set(found) == {int(PORT)}


@pytest.mark.parametrize(
    ("kind", "auditor", "job"), [("StatefulSet", False, "autorefund"), ("Deployment", True, "audit")]
)
def test_prometheus_finds_workers_and_auditor_each_under_its_job(kind: str, auditor: bool, job: str) -> None:
    """The rules count on the names of the jobs: an auditor among the workers would be one that is never ready."""
    monitor = of_kind("ServiceMonitor", auditor=auditor)["spec"]
    wanted = monitor["selector"]["matchLabels"].items()
    services = [one for one in RENDERED["production"] if one["kind"] == "Service"]
    (service,) = (one for one in services if wanted <= one["metadata"]["labels"].items())
    assert service["metadata"]["labels"][monitor["jobLabel"]] == job
    pods = [of_kind("StatefulSet"), of_kind("Deployment", auditor=True)]
    (found,) = (
        one
        for one in pods
        if service["spec"]["selector"].items() <= one["spec"]["template"]["metadata"]["labels"].items()
    )
    assert found["kind"] == kind
    jobs = yaml.safe_load((PROJECT / "deploy" / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    assert job in {one["job_name"] for one in jobs}


def test_the_auditor_rests_while_books_are_moved() -> None:
    replicas = {name: of_kind("Deployment", name, auditor=True)["spec"]["replicas"] for name in RENDERED}
    assert replicas == {"default": 1, "production": 1, "growing": 0}


def test_each_worker_has_its_pod_s_name_in_the_group() -> None:
    container = container_of("StatefulSet")
    (own,) = (one for one in container["env"] if one["name"] == "AUTOREFUND_INSTANCE_ID")
    assert own["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}


def test_a_volume_never_comes_back_from_long_ago() -> None:
    """Deletions are readable in a changelog for 30 days; an older store would not hear of them."""
    assert of_kind("StatefulSet")["spec"]["persistentVolumeClaimRetentionPolicy"] == {
        "whenDeleted": "Delete",
        "whenScaled": "Delete",
    }


def test_topics_are_made_before_anything_runs() -> None:
    job = of_kind("Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert container_of("Job")["args"] == ["topics"]


def test_tables_move_only_while_nobody_works() -> None:
    assert of_kind("StatefulSet", "growing")["spec"]["replicas"] == 0
    container = container_of("Job", "growing")
    assert container["args"] == ["topics", "--grow-to", "24"]


def test_there_are_never_more_workers_than_partitions() -> None:
    scaled = of_kind("ScaledObject")["spec"]
    partitions = VALUES["partitions"]
    assert scaled["maxReplicaCount"] == partitions
    (trigger,) = scaled["triggers"]
    assert trigger["metadata"].keys() == {
        "bootstrapServers", "consumerGroup", "topic", "lagThreshold", "offsetResetPolicy", "allowIdleConsumers", "tls", "sasl",
    }  # fmt: skip
    assert (trigger["metadata"]["topic"], trigger["metadata"]["consumerGroup"]) == (
        AFTER_SALE_REQUEST.name,
        "autorefund",
    )
    assert "replicas" not in of_kind("StatefulSet")["spec"]  # else each upgrade would undo what KEDA did


def test_users_are_those_of_the_table_in_security_md() -> None:
    names = {environment(container).get("AUTOREFUND_SASL_USERNAME") for _, _, container in containers()} - {None}
    assert names == {User.WORKER, User.TOPICS, User.READER}


def test_one_worker_at_a_time_may_be_taken_away() -> None:
    assert of_kind("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1

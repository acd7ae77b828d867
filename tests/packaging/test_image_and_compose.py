"""Laws about the Dockerfile and compose.yaml: what they name exists, and is the same everywhere. deploy/check.sh runs them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.__main__ import _parser
from app.kafka.own_topics import OWN_TOPICS
from app.settings import Settings, load_settings, variable
from tests.packaging import image

DEPLOY = image.PROJECT / "deploy"
VERSION = tomllib.loads((image.PROJECT / "pyproject.toml").read_text())["project"]["version"]
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: one for name, one in SERVICES.items() if one["image"].startswith("autorefund:")}
PINNED = re.compile(r"[\w./-]+:v?\d+\.\d+\.\d+(-[\w.-]+)?").fullmatch
PORT = str(Settings.model_fields["http_port"].default)
STEPS = list(image.instructions())


def words_of(instruction: str) -> list[str]:
    return [words for name, words in STEPS if name == instruction]


@pytest.mark.parametrize(
    "name", [words.split()[0] for words in words_of("FROM")] + [one["image"] for one in SERVICES.values()]
)
def test_images_are_pinned_to_a_version(name: str) -> None:
    assert PINNED(name)


def test_one_base_serves_both_stages() -> None:
    """The environment's python is the base image's: it must be the same in both."""
    first, second = (words.split()[0] for words in words_of("FROM"))
    assert first == second


def test_the_image_has_the_project_s_version() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    assert f'image.version="{VERSION}"' in text
    assert set(re.findall(r"autorefund:([\d.]+)", text)) == {VERSION}
    assert {one["image"] for one in OURS.values()} == {f"autorefund:{VERSION}"}


def test_the_image_s_user_is_a_number_and_not_root() -> None:
    (user,) = words_of("USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)


def test_nothing_is_installed_that_is_not_pinned_and_a_wheel() -> None:
    installs = [words for words in words_of("RUN") if '"install"' in words]
    assert installs
    for words in installs:
        assert ('"--require-hashes"' in words and '"--only-binary=:all:"' in words) or '"--no-deps"' in words


def test_the_image_s_settings_are_settings() -> None:
    set_there = {pair.split("=")[0]: pair.split("=")[1] for words in words_of("ENV") for pair in words.split()}
    ours = {name: value for name, value in set_there.items() if name.startswith("AUTOREFUND_")}
    assert ours.keys() <= {variable(name) for name in Settings.model_fields}
    load_settings(ours)


def test_ports_and_paths_are_those_that_the_worker_serves() -> None:
    assert words_of("EXPOSE") == [PORT]
    (health,) = words_of("HEALTHCHECK")
    assert f"'{PORT}') + '/livez'" in health
    assert SERVICES["worker-1"]["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]
    jobs = yaml.safe_load(COMPOSE["configs"]["prometheus"]["content"])["scrape_configs"]
    scraped = {job["job_name"]: job["static_configs"][0]["targets"] for job in jobs}
    assert scraped == {
        "autorefund": [f"{name}:{PORT}" for name in OURS if name.startswith("worker-")],
        "audit": [f"audit:{PORT}"],
    }


@pytest.mark.parametrize("name", OURS)
def test_each_service_is_given_settings_that_the_code_takes(name: str) -> None:
    environment = SERVICES[name]["environment"]
    assert environment.keys() <= {variable(one) for one in Settings.model_fields}
    load_settings(environment)


@pytest.mark.parametrize("name", OURS)
def test_each_service_s_command_is_a_command(name: str) -> None:
    (default,) = words_of("CMD")
    _parser().parse_args([str(word) for word in SERVICES[name].get("command", yaml.safe_load(default))])


@pytest.mark.parametrize("name", OURS)
def test_our_containers_can_do_no_more_than_they_need(name: str) -> None:
    one = SERVICES[name]
    assert (one["read_only"], one["cap_drop"], one["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])


def test_two_workers_have_names_and_volumes_of_their_own() -> None:
    workers = [name for name in OURS if name.startswith("worker-")]
    assert len(workers) == 2
    assert [SERVICES[name]["environment"]["AUTOREFUND_INSTANCE_ID"] for name in workers] == workers
    assert len({tuple(SERVICES[name]["volumes"]) for name in workers}) == 2


def test_every_port_is_published_on_loopback_only() -> None:
    published = [port for one in SERVICES.values() for port in one.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_prometheus_reads_every_file_of_rules() -> None:
    named = {Path(one).name for one in yaml.safe_load(COMPOSE["configs"]["prometheus"]["content"])["rule_files"]}
    assert {path.name for path in (DEPLOY / "prometheus").glob("*.yml")} - {"prometheus.yml"} <= named


def test_grafana_is_told_what_its_provisioning_asks_for() -> None:
    grafana = SERVICES["grafana"]
    asked = {
        name
        for path in (DEPLOY / "grafana" / "provisioning").rglob("*.yml")
        for name in re.findall(r"(?m)^[^#]*\$([A-Z_]+)", path.read_text())
    }
    assert asked <= grafana["environment"].keys()
    assert f"./grafana/dashboards:{grafana['environment']['DASHBOARDS_DIR']}:ro" in grafana["volumes"]


def test_one_broker_makes_its_own_topics_with_one_copy() -> None:
    """Kafka's default is three, which one broker never has: nothing would ever be committed."""
    settings = SERVICES["kafka"]["environment"]
    for name in ("transaction.state.log.min.isr", *(topic.copies_setting for topic in OWN_TOPICS)):
        assert settings["KAFKA_" + name.upper().replace(".", "_")] == "1"


def test_every_volume_that_is_used_is_declared() -> None:
    used = {volume.split(":")[0] for one in SERVICES.values() for volume in one.get("volumes", [])}
    assert {name for name in used if not name.startswith(".")} == set(COMPOSE["volumes"])

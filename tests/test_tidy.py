"""Laws about the code itself, as tests (style.md, 13). import-linter checks who may import whom; this checks the rest."""

from __future__ import annotations

import ast
import os
import re
import stat
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.metrics import TALLIES

ROOT = Path(__file__).parents[1]
ROOMS = ("app", "tables", "schemas", "deploy", "tests")
PURE = ("app/core", "schemas", "tables")
LINES_MAX = 320
README_LINES = range(5, 15)
NOT_OURS = {".git", "__pycache__", "libs", "run", "node_modules"}
TEXT = {".py", ".md", ".sh", ".toml", ".txt", ".xml", ".json", ".jsonl", ".yml", ".yaml", ""}
CLOCKS = {"now", "utcnow", "today", "monotonic", "time_ns", "perf_counter"}
URL = re.compile(r"[a-z]+://([\w.-]+)")
NAMESPACES = {"maven.apache.org", "json-schema.org", "www.w3.org"}
"""Hosts that are names of a format, not addresses to fetch from."""
HERE = re.compile("(?<![\\w.])/(?:" + "|".join(("ro" + "ot", "ho" + "me", "wo" + "rk", "fa" + "rm")) + ")/")
LINK = re.compile(r"\]\(([^)\s]+)\)")
OPEN_POINT = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")


def files(*folders: str) -> Iterator[Path]:
    for folder in folders or (".",):
        for where, inside, names in os.walk(ROOT / folder):
            inside[:] = [
                one
                for one in inside
                if one not in NOT_OURS
                and not (Path(where) / one / "pyvenv.cfg").exists()
                and not re.match(r"\..*cache|.*egg-info|\.hypothesis|libs\.", one)
            ]
            yield from (
                Path(where) / name
                for name in names
                if Path(name).suffix in TEXT and not name.startswith(".cov") and name not in NOT_OURS
            )


def names_of(paths: Iterator[Path]) -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in paths)


def modules(*folders: str) -> list[str]:
    return names_of(path for path in files(*folders) if path.suffix == ".py")


def tree(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text(), name)


@pytest.mark.parametrize("name", modules(*PURE, "app/processor"))
def test_no_clock_where_time_is_a_value(name: str) -> None:
    read = {node.attr for node in ast.walk(tree(name)) if isinstance(node, ast.Attribute)}
    assert not read & CLOCKS


@pytest.mark.parametrize("name", modules("app/core", "tables", "app/processor"))
def test_no_float_where_money_is(name: str) -> None:
    for node in ast.walk(tree(name)):
        where = f"{name}:{getattr(node, 'lineno', '')}"
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), where
        assert not (isinstance(node, ast.Name) and node.id == "float"), where
        assert not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)), where


def test_metrics_are_made_in_their_catalogue_only() -> None:
    users = [name for name in modules("app", "tables", "schemas") if "prometheus_client" in (ROOT / name).read_text()]
    assert users == ["app/metrics/histogram.py", "app/metrics/registry.py"]


def tallies() -> Iterator[tuple[str, ast.expr, int]]:
    """(where, first word, how many words) of each count in the processor."""
    for name in modules("app/processor"):
        for node in ast.walk(tree(name)):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "count"
                and node.args
            ):
                yield f"{name}:{node.lineno}", node.args[0], len(node.args)
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "tally":
                words = node.slice.elts if isinstance(node.slice, ast.Tuple) else []
                if words:
                    yield f"{name}:{node.lineno}", words[0], len(words)


def test_every_count_of_the_processor_has_a_metric() -> None:
    found = [(where, str(word.value), number) for where, word, number in tallies() if isinstance(word, ast.Constant)]
    assert found
    for where, word, number in found:
        assert word in TALLIES, where
        assert number == 1 + len(TALLIES[word].labels), where


def test_files_are_rooms_not_halls() -> None:
    """Written files only: pins and exported schemas are as long as they are."""
    code = [path for path in files(*ROOMS, ".ci") if path.suffix in {".py", ".sh"}]
    long = {
        name: lines
        for name in names_of(iter(code))
        if (lines := len((ROOT / name).read_text().splitlines())) > LINES_MAX
    }
    assert long == {}


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_says_what_is_in_it_and_what_must_not_be_touched(room: str) -> None:
    about, _, _ = (ROOT / room / "README.md").read_text().partition("\n## ")  # a table may come after it
    assert len(about.splitlines()) in README_LINES
    assert "ust not" in about


def test_no_open_points_in_files() -> None:
    found = [name for name in names_of(files()) if OPEN_POINT.search((ROOT / name).read_text(errors="replace"))]
    assert found == []


def test_no_file_names_a_host_or_a_path_of_some_machine() -> None:
    for name in names_of(files()):
        text = (ROOT / name).read_text(errors="replace")
        hosts = set(URL.findall(text)) - NAMESPACES
        assert all(host in {"localhost", "127.0.0.1"} or host.startswith(".") for host in hosts), (name, hosts)
        assert not HERE.search(text), name


@pytest.mark.parametrize("name", [name for name in names_of(files()) if name.endswith(".md")])
def test_links_lead_somewhere(name: str) -> None:
    for target in LINK.findall((ROOT / name).read_text()):
        if not target.startswith(("#", "http")):
            assert ((ROOT / name).parent / target.partition("#")[0]).exists(), target


def test_every_test_of_a_fault_is_a_test() -> None:
    linked = re.findall(r"\[(test_\w+)\]\(([^)]+)\)", (ROOT / "tests" / "README.md").read_text())
    assert len(linked) > 20
    for name, target in linked:
        assert Path(target).stem == name, target


def dependencies() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return [one for group in groups for one in group]


def test_every_dependency_says_why() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    for dependency in dependencies():
        assert any(re.match(rf'\s*"{re.escape(dependency)}",\s+# \w+', line) for line in lines), dependency


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_pins_have_versions_and_hashes_and_no_addresses(name: str) -> None:
    text = (ROOT / "deploy" / name).read_text()
    pins = [one for one in re.split(r"\n(?=\S)", text) if not one.startswith("#")]
    assert pins
    for pin in pins:
        assert re.match(r"[a-z0-9-]+(\[[a-z,]+\])?==[\w.]+ \\\n +--hash=sha256:[0-9a-f]{64}", pin), pin[:80]
    assert "://" not in text
    assert "--index" not in text


def test_everything_asked_for_is_pinned() -> None:
    pinned = (ROOT / "deploy" / "requirements-dev.txt").read_text()
    for dependency in dependencies():
        package = re.split(r"[=<>]", dependency)[0]  # with its extras, which an older pip takes for another package
        assert f"\n{package}==" in f"\n{pinned}", package


@pytest.mark.parametrize("name", [name for name in names_of(files("deploy", ".ci")) if name.endswith((".sh", "/run"))])
def test_scripts_are_strict_and_can_be_run(name: str) -> None:
    path = ROOT / name
    assert path.stat().st_mode & stat.S_IXUSR
    assert "\nset -euo pipefail\n" in path.read_text()
    assert subprocess.run(["bash", "-n", path], check=False).returncode == 0

"""The sample files under schemas/samples, as parameters of tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.codec import INPUT_MODELS
from schemas.export import EVENTS

SAMPLES = Path(__file__).parents[2] / "schemas" / "samples"
OUTPUTS = tuple(topic for topic in EVENTS if topic not in INPUT_MODELS)


def samples(kind: str, *topics: str) -> list[Any]:
    """The paths of `good` or `bad` samples of these topics, one parameter each."""
    paths = sorted(path for topic in topics for path in (SAMPLES / topic / kind).glob("*.json"))
    assert paths
    return [pytest.param(path, id=f"{path.parts[-3]}/{path.stem}") for path in paths]


def body_of(path: Path) -> dict[str, Any]:
    """What stands in a sample's file."""
    body: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return body

"""deploy/check.sh itself: the linters, the chart's schemas, and the image's steps up to a worker that is healthy."""

from __future__ import annotations

import subprocess

import pytest

from tests.packaging.image import PROJECT

FIRST_TIME_SECONDS_MAX = 2400
"""Helm is built from source where there is none."""


@pytest.mark.chaos
@pytest.mark.timeout(FIRST_TIME_SECONDS_MAX + 60)
def test_what_the_service_is_deployed_with_is_well() -> None:
    done = subprocess.run(
        [PROJECT / "deploy" / "check.sh"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=FIRST_TIME_SECONDS_MAX, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    for part in ("dockerfile", "compose", "chart", "image"):
        assert f"{part}: well" in done.stderr

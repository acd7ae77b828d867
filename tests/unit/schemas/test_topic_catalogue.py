"""The catalogue of topics: nothing in it may lose money or history."""

from __future__ import annotations

import pytest

from schemas import topics
from schemas.codec import INPUT_MODELS
from schemas.topics import Cleanup, Role, Topic, all_topics, changelog_topic

EVERY = all_topics("app")


def by_name(topic: Topic) -> str:
    return topic.name


def test_every_topic_has_a_name_of_its_own() -> None:
    assert len({topic.name for topic in EVERY}) == len(EVERY)


def test_the_inputs_are_those_that_the_codec_reads() -> None:
    assert {topic.name for topic in topics.INPUTS} == INPUT_MODELS.keys()


def test_the_control_plane_is_what_a_lane_reads_before_its_first_request_31() -> None:
    assert {topic.name for topic in topics.CONTROL_PLANE} == {"strategy-config", "buyer-list", "control"}


def test_each_table_has_a_compacted_changelog() -> None:
    changelogs = [topic for topic in EVERY if topic.role is Role.CHANGELOG]
    assert {topic.name for topic in changelogs} == {changelog_topic("app", table) for table in topics.TABLES}
    assert all(topic.config()["cleanup.policy"] == "compact" for topic in changelogs)
    assert changelog_topic("app", "holds") == "app-holds-changelog"


@pytest.mark.parametrize("topic", EVERY, ids=by_name)
def test_no_topic_is_ever_both_deleted_and_compacted(topic: Topic) -> None:
    settings = topic.config()
    assert ("retention.ms" in settings) == (topic.cleanup is Cleanup.DELETE)
    assert ("delete.retention.ms" in settings) == (topic.cleanup is Cleanup.COMPACT)
    assert settings["unclean.leader.election.enable"] == "false"


@pytest.mark.parametrize("topic", EVERY, ids=by_name)
def test_what_we_write_may_be_larger_than_what_we_read(topic: Topic) -> None:
    """Else an input with headers, or a cell with its defaults, would stop a lane for good."""
    ours = topic.role in {Role.OUTPUT, Role.INTERNAL, Role.CHANGELOG}
    assert topic.written_by_us == ours
    assert topic.bytes_max == (topics.OUTPUT_BYTES_MAX if ours else topics.INPUT_BYTES_MAX)


@pytest.mark.parametrize("name", ["refund-decision", "refund-alert", "refund-result", "strategy-config", "buyer-list"])
def test_history_is_kept_at_least_three_years(name: str) -> None:
    (topic,) = (topic for topic in EVERY if topic.name == name)
    kept = topic.retention_ms if topic.cleanup is Cleanup.DELETE else topic.compaction_lag_ms
    assert kept >= 3 * 365 * 24 * 3600 * 1000


def test_only_control_among_the_deleted_topics_is_kept_for_ever() -> None:
    forever = {t.name for t in EVERY if t.cleanup is Cleanup.DELETE and t.retention_ms == topics.FOREVER_MS}
    assert forever == {"control"}

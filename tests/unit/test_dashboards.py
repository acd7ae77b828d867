"""Laws about the dashboards, as files. That their queries have answers is shown on a real worker (integration)."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
import yaml

from tests.monitoring import DEPLOY, Panel, dashboards, panels

Json = dict[str, Any]
PANELS = panels()
TYPES = {"stat", "timeseries", "bargauge"}
COLUMNS = 24
each_panel = pytest.mark.parametrize("panel", PANELS, ids=lambda panel: f"{panel.dashboard} {panel.title}")
each_dashboard = pytest.mark.parametrize("name", dashboards())


def test_there_is_a_page_for_each_question() -> None:
    assert set(dashboards()) == {"overview.json", "money.json", "stream.json", "safe.json"}
    uids = [dashboard["uid"] for dashboard in dashboards().values()]
    assert len(set(uids)) == len(uids)


@each_dashboard
def test_a_dashboard_says_what_it_is_and_lets_its_reader_choose_where_the_data_is(name: str) -> None:
    dashboard = dashboards()[name]
    assert dashboard["title"].startswith("autorefund: ")
    assert dashboard["description"].endswith(".")
    assert [one["name"] for one in dashboard["templating"]["list"] if one["type"] == "datasource"] == ["datasource"]
    assert dashboard["timezone"] == "Asia/Shanghai"
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    titles = [panel["title"] for panel in dashboard["panels"]]
    assert len(set(titles)) == len(titles)


@each_dashboard
def test_panels_lie_beside_each_other(name: str) -> None:
    places = [panel["gridPos"] for panel in dashboards()[name]["panels"]]
    assert all(place["x"] + place["w"] <= COLUMNS for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)


@each_panel
def test_a_panel_says_what_it_shows_in_which_unit(panel: Panel) -> None:
    assert panel.json["type"] in TYPES
    assert panel.json["description"].endswith(".")
    assert panel.json["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert panel.json["fieldConfig"]["defaults"]["unit"]
    assert panel.queries
    letters = [target["refId"] for target in panel.json["targets"]]
    assert letters == sorted(set(letters))
    assert all(target["legendFormat"] for target in panel.json["targets"])


@each_panel
def test_amounts_are_shown_in_yuan_and_nothing_else_is(panel: Panel) -> None:
    is_money = panel.json["fieldConfig"]["defaults"]["unit"] == "currency:¥"
    asks_fen = all("_fen" in query and "/ 100" in query for query in panel.queries)
    assert is_money is asks_fen


@each_panel
def test_a_tile_that_judges_has_a_colour_for_good(panel: Panel) -> None:
    thresholds = panel.json["fieldConfig"]["defaults"].get("thresholds")
    if thresholds is not None:
        assert "green" in {step["color"] for step in thresholds["steps"]}
        assert thresholds["steps"][0]["value"] is None


def test_what_is_provisioned_is_there() -> None:
    provisioning = DEPLOY / "grafana" / "provisioning"
    source = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())["datasources"][0]
    rules = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    assert source["jsonData"]["timeInterval"] == rules["global"]["scrape_interval"]
    provider = yaml.safe_load((provisioning / "dashboards" / "autorefund.yml").read_text())["providers"][0]
    assert (provider["type"], provider["options"]["path"]) == ("file", "$DASHBOARDS_DIR")


def test_the_readme_shows_a_picture_of_each_dashboard() -> None:
    pictures = DEPLOY / "grafana" / "pictures"
    readme = (DEPLOY / "README.md").read_text()
    for name in dashboards():
        picture = (pictures / name).with_suffix(".svg")
        assert f"(grafana/pictures/{picture.name})" in readme
        missing = [
            panel.title for panel in PANELS if panel.dashboard == name and panel.title not in picture.read_text()
        ]
        assert missing == [], "python -m tests.pictures draws them anew"
    assert sum(path.stat().st_size for path in pictures.iterdir()) < 150_000

"""`python -m tests.pictures`: draws the dashboards' queries as they are answered after minutes of load, for the README.

No screenshots: Grafana is not needed. One SVG for each dashboard, under deploy/grafana/pictures.
"""

from __future__ import annotations

import asyncio
import math
import re
import sys
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.builders import result_value
from tests.integration.test_commands import call
from tests.integration.town import Town, ago, town_on
from tests.kafka_broker import Broker
from tests.monitoring import DEPLOY, Panel, dashboards, panels
from tests.prometheus import Labels, Prometheus, write_config
from tests.worker_process import free_port

PICTURES = DEPLOY / "grafana" / "pictures"
SECONDS = 150
RATE = 12
POINTS_MAX = 60
COLUMNS, WIDTH, HEIGHT, EDGE = 4, 300, 170, 12
COLOURS = ("#3274d9", "#e0752d", "#56a64b", "#c4162a", "#8f3bb8", "#8a6d00", "#1fa2a2", "#777777")
GROUNDS = {"green": "#cfe8cf", "yellow": "#f7e9b0", "orange": "#f8d8b0", "red": "#f2b8b8"}
UNITS = {"s": "{:.3g} s", "currency:¥": "¥{:,.2f}", "percentunit": "{:.1%}", "reqps": "{:,.3g}/s", "ops": "{:,.3g}/s"}


def shown(value: float, unit: str) -> str:
    """With its unit; counts over an hour are estimates, and so are shown whole."""
    if unit == "bytes":
        return f"{value / 1e6:.0f} MB"
    return UNITS[unit].format(value) if unit in UNITS else f"{value:,.{0 if value > 10 else 2}f}".removesuffix(".00")


def text(x: float, y: float, words: str, size: int = 11, colour: str = "#333") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" fill="{colour}">{escape(words)}</text>'


def named(legend: str, labels: Labels) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), legend)[:38]


def curve(values: list[tuple[float, float]], begin: float, end: float, top: float) -> str:
    points = " ".join(
        f"{EDGE + (at - begin) / (end - begin) * (WIDTH - 2 * EDGE):.0f},{HEIGHT - 48 - value / top * (HEIGHT - 90):.0f}"
        for at, value in values
        if math.isfinite(value)
    )
    return f'<polyline fill="none" stroke-width="1.5" points="{points}"'


def tile(panel: Panel, value: float, unit: str) -> str:
    """One value, in the words and on the colour that Grafana would give it."""
    defaults = panel.json["fieldConfig"]["defaults"]
    told = {key: one["text"] for mapping in defaults.get("mappings", ()) for key, one in mapping["options"].items()}
    steps = defaults.get("thresholds", {"steps": []})["steps"]
    reached = [step["color"] for step in steps if step["value"] is None or value >= step["value"]]
    ground = GROUNDS[reached[-1]] if reached else "#fff"
    return "".join(
        [
            f'<rect width="{WIDTH - 6}" height="{HEIGHT - 6}" fill="{ground}" stroke="#ccc"/>',
            text(EDGE, 18, panel.title, 13),
            text(
                EDGE, 80, told.get(f"{value:g}") or shown(value, unit), 30, COLOURS[0] if ground == "#fff" else "#333"
            ),
        ]
    )


def drawn(panel: Panel, prometheus: Prometheus) -> str:
    """One panel: curves, or the values of now."""
    unit = panel.json["fieldConfig"]["defaults"]["unit"]
    parts = [
        f'<rect width="{WIDTH - 6}" height="{HEIGHT - 6}" fill="#fff" stroke="#ccc"/>',
        text(EDGE, 18, panel.title, 13),
    ]
    targets = [(target["expr"], target["legendFormat"]) for target in panel.json["targets"]]
    if panel.json["type"] == "stat":
        return tile(panel, prometheus.one(targets[0][0]), unit)
    if panel.json["type"] == "bargauge":
        found = sorted(
            ((now, named(legend, labels)) for query, legend in targets for labels, now in prometheus.ask(query)),
            reverse=True,
        )[:8]
        for row, (value, name) in enumerate(found):
            y = 40 + 16 * row
            length = value / found[0][0] * (WIDTH - 2 * EDGE)
            parts.append(f'<rect x="{EDGE}" y="{y - 11}" width="{length:.0f}" height="13" fill="#c9ddf7"/>')
            parts.append(text(EDGE + 3, y, f"{name}: {shown(value, unit)}", 10))
        return "".join(parts)
    step = max(1, SECONDS // POINTS_MAX)
    lines = [
        (named(legend, labels), values)
        for query, legend in targets
        for labels, values in prometheus.history(query, SECONDS, step)
    ]
    seen = [value for _, values in lines for _, value in values if math.isfinite(value)]
    times = [at for _, values in lines for at, _ in values]
    top = max(seen, default=0) or 1
    parts.append(text(EDGE, 36, shown(top, unit), 10, "#888"))
    for number, (name, values) in enumerate(lines[:8]):
        colour = COLOURS[number]
        parts.append(f'{curve(values, min(times), max(times) + 1, top)} stroke="{colour}"/>')
        parts.append(text(EDGE + 70 * (number % 4), HEIGHT - 30 + 14 * (number // 4), name[:13], 9, colour))
    return "".join(parts)


def draw(name: str, prometheus: Prometheus) -> None:
    """One dashboard."""
    shown_panels = [panel for panel in panels() if panel.dashboard == name]
    rows = math.ceil(len(shown_panels) / COLUMNS)
    boxes = [
        f'<g transform="translate({number % COLUMNS * WIDTH},{number // COLUMNS * HEIGHT})">{drawn(panel, prometheus)}</g>'
        for number, panel in enumerate(shown_panels)
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {COLUMNS * WIDTH} {rows * HEIGHT}" font-family="sans-serif">'
    (PICTURES / name).with_suffix(".svg").write_text("\n".join([head, *boxes, "</svg>\n"]))


async def pay(town: Town) -> None:
    """An executor that pays three of four approvals."""
    paid: set[str] = set()
    while True:
        for decision_id, one in (await town.decisions()).items():
            if one["outcome"] == "auto_approve" and decision_id not in paid and hash(decision_id) % 4:
                what = {field: one[field] for field in ("decision_id", "shop_id", "amount_fen")}
                await town.send("refund-result", result_value(**what, at=ago(seconds=0)))
            paid.add(decision_id)
        await asyncio.sleep(3)


async def main(folder: Path) -> None:
    """Load of an evening on two workers, then the pictures."""
    broker, auditor_port = Broker(folder / "kafka"), free_port()
    broker.start()
    try:
        async with town_on(broker, folder) as town:
            workers = [town.worker(hold_seconds="20") for _ in range(2)]
            write_config(folder / "rules", [worker.port for worker in workers], auditor_port)
            prometheus = Prometheus(folder / "prometheus", folder / "rules")
            prometheus.wait_until_ready()
            executor = asyncio.create_task(pay(town))
            town.auditor(3600, auditor_port)
            options = ("--rate", str(RATE), "--seconds", "45", "--shops", "200", "--strategies", "80")
            for shape in ("steady", "evening", "steady"):
                print(await call(town, "load", *options, "--shape", shape))
            executor.cancel()
            PICTURES.mkdir(exist_ok=True)
            for name in dashboards():
                draw(name, prometheus)
            prometheus.stop()
    finally:
        broker.wipe()


if __name__ == "__main__":
    with TemporaryDirectory() as where:
        sys.exit(asyncio.run(main(Path(where))))

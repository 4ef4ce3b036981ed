"""The picture of a run, and its figures."""

import xml.etree.ElementTree as ET

from bench.latency.figures import document, figures, middle
from bench.latency.gantt import COLOURS, draw
from bench.latency.rows import Kind, Row, Timeline

SVG = "{http://www.w3.org/2000/svg}"


def run(seconds, start=100.0):
    middle = start + seconds / 2
    rows = [
        Row("Build: <append>", "its work", start, middle, Kind.WORK),
        Row("Build: <append>", "the kubelet notices its end", middle, start + seconds, Kind.REPORTING),
    ]
    return Timeline(rows, start, start + seconds)


def test_every_row_is_a_bar_with_its_colour_and_its_words():
    text = draw("a change", {"ours": run(10), "floor": run(5, 900.0)})
    picture = ET.fromstring(text)  # noqa: S314 - it is ours
    bars = [bar for bar in picture.iter(f"{SVG}rect") if bar.find(f"{SVG}title") is not None]
    assert [bar.get("fill") for bar in bars] == 2 * [COLOURS[Kind.WORK], COLOURS[Kind.REPORTING]]
    assert bars[0].findtext(f"{SVG}title") == "Build: <append>: work, its work, 5.00 s"
    ours, floor = float(bars[0].get("width")), float(bars[2].get("width"))
    assert abs(ours - 2 * floor) < 1
    assert {"a change", "ours: 10.0 s", "floor: 5.0 s", *Kind} <= {text.text for text in picture.iter(f"{SVG}text")}


def test_the_picture_loads_nothing():
    assert "href" not in draw("x", {"ours": run(1)})


def test_figures_are_medians_and_the_kinds_of_a_first_run_are_told():
    rounds = [(run(seconds), run(10)) for seconds in (11, 30, 12)]
    found = figures({"first": rounds, "tag": rounds})
    assert [(one.ours, one.baseline, one.ratio) for one in found if one.aim] == 2 * [(12, 10, 1.2)]
    assert {f"of it {kind}" for kind in Kind} == {one.name for one in found if not one.aim}
    assert middle(rounds)[0].seconds == 12


def test_a_timeline_is_written_with_times_from_its_start():
    found = document(run(10))
    assert [(row["start"], row["end"]) for row in found["rows"]] == [(0, 5), (5, 10)]
    assert found["shares"]["work"] == 5

"""Short runs of benchmarks against the committed ratios."""

import json

import pytest

from bench import check
from bench.check import SHORT, Expected, Found, Short, chosen, recorded, verdicts

FIGURES = [
    {"name": "1 GiB down, over curl", "unit": "MB/s", "ours": 800, "ratio": 0.8},
    {"name": "peak memory", "unit": "MiB", "ours": 60, "ratio": 1.5},
    {"name": "writes", "unit": "", "ours": 3, "ratio": None},
    {"name": "time", "unit": "s", "ours": 1, "ratio": 1.0},
]


def test_figures_are_chosen_by_a_part_of_their_name():
    short = Short(("bench",), ("over curl", "peak", "writes"))
    assert chosen(short, FIGURES) == {
        "1 GiB down, over curl": Found(0.8, more_is_better=True),
        "peak memory": Found(1.5, more_is_better=False),
        "writes": Found(3, more_is_better=False),
    }


def test_a_figure_that_a_benchmark_lost_is_an_error():
    with pytest.raises(ValueError, match="no figure with 'latency'"):
        chosen(Short(("bench",), ("peak", "latency")), FIGURES)


@pytest.mark.parametrize(
    ("ratio", "more_is_better", "good"),
    [
        (1.09, False, True),
        (1.11, False, False),
        (0.2, False, True),
        (0.91, True, True),
        (0.9, True, False),
        (9, True, True),
    ],
)
def test_a_ratio_may_be_worse_by_the_noise(ratio, more_is_better, good):
    expected = {"a": Expected(1.0, 0.1, more_is_better)}
    ((found, line),) = verdicts({"a": Found(ratio, more_is_better)}, expected)
    assert found is good
    assert line.startswith("ok" if good else "WORSE")


def test_both_sides_name_the_same_figures():
    with pytest.raises(ValueError, match=r"has \['a', 'b'\]"):
        list(verdicts({"a": Found(1, more_is_better=False)}, {"b": Expected(1, 0.1, more_is_better=False)}))


@pytest.mark.parametrize(("ratios", "noise"), [((1.0, 1.0, 1.02), 0.1), ((0.9, 1.0, 1.3), 0.6)])
def test_the_noise_is_twice_the_largest_distance_from_the_median(ratios, noise):
    runs = [{"a": Found(ratio, more_is_better=False)} for ratio in ratios]
    assert recorded(runs) == {"a": Expected(1.0, noise, more_is_better=False)}


def test_every_short_run_has_committed_ratios():
    document = json.loads(check.EXPECTED.read_text())
    assert document.keys() == SHORT.keys()
    for name, figures in document.items():
        assert figures
        for figure, values in figures.items():
            assert any(part in figure for part in SHORT[name].figures), figure
            assert Expected(**values).noise >= check.LEAST_NOISE

"""Figures: percentiles, tables, sections of the document."""

import json

import pytest

from bench import harness
from bench.harness import Figure, number, percentile, replaced, table


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([7], 0.99, 7),
        ([1, 2, 3, 4], 0.5, 2),
        (list(range(1, 101)), 0.99, 99),
        (list(range(1, 501)), 0.99, 495),
        ([3, 1, 2], 1, 3),
        ([3, 1, 2], 0, 1),
    ],
)
def test_a_percentile_is_the_nearest_rank(values, share, expected):
    assert percentile(values, share) == expected


def test_without_values_there_is_no_percentile():
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_a_ratio_is_ours_over_the_baseline_and_absent_without_one():
    assert Figure("a", "s", 3, 2).ratio == 1.5
    assert Figure("a", "s", 3).ratio is None
    assert Figure("a", "s", 3, 0).ratio is None


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (0, "0"), (2, "2"), (1.234, "1.23"), (12345.6, "12,346"), (0.01234, "0.0123")]
)
def test_numbers_have_three_significant_digits(value, text):
    assert number(value) == text


def test_a_table_has_a_row_per_figure():
    rows = table([Figure("time", "s", 3, 2, "2 or less"), Figure("writes", "", 0)]).splitlines()
    assert rows[2:] == ["| time | s | 3 | 2 | 1.5 | 2 or less |", "| writes |  | 0 |  |  |  |"]


def test_a_section_is_replaced_and_everything_else_stays():
    document = "a\n<!-- bench:x -->\nold\n<!-- /bench:x -->\nb\n<!-- bench:y -->\n<!-- /bench:y -->\n"
    once = replaced(document, "x", r"new \1")
    assert once == document.replace("old", r"new \1")
    assert replaced(once, "x", r"new \1") == once


def test_a_document_without_the_section_is_refused():
    with pytest.raises(ValueError, match="bench:z"):
        replaced("nothing", "z", "new")


def test_a_report_is_written_as_json_and_into_the_document(tmp_path, monkeypatch, capsys):
    document = tmp_path / "benchmarks.md"
    document.write_text("<!-- bench:x -->\n<!-- /bench:x -->\n")
    monkeypatch.setattr(harness, "RESULTS", tmp_path / "out")
    monkeypatch.setattr(harness, "DOCUMENT", document)
    harness.report("x", [Figure("time", "s", 3, 2)], "make x", "Quiet.")
    found = json.loads((tmp_path / "out" / "x.json").read_text())["figures"]
    assert found == [
        {"name": "time", "unit": "s", "ours": 3, "baseline": 2, "aim": "", "ratio": 1.5, "command": "make x"}
    ]
    assert "| time | s | 3 | 2 | 1.5 |  |" in document.read_text()
    assert "| time |" in capsys.readouterr().out


def test_a_short_run_writes_no_table(tmp_path, monkeypatch):
    monkeypatch.setattr(harness, "DOCUMENT", tmp_path / "absent.md")
    monkeypatch.setenv(harness.SHORT_RUN, str(tmp_path / "short"))
    harness.report("x", [Figure("time", "s", 3, 2)], "make x", "Quiet.")
    assert json.loads((tmp_path / "short" / "x.json").read_text())["figures"][0]["ratio"] == 1.5

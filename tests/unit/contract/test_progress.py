"""The lines of progress: written, read, and left out of what explains a failure."""

import pytest

from inference_image_contract import progress
from inference_image_contract.progress import Meter, Progress, Unit, What

HALF = Progress(What.DOWNLOAD, 123, 456)


@pytest.mark.parametrize("what", What)
@pytest.mark.parametrize("unit", Unit)
def test_a_line_is_read_as_it_was_written(what, unit):
    found = Progress(what, 0, 10**17, unit)
    assert progress.parse(progress.line(found)) == found


def test_a_line_is_a_sentence():
    assert progress.line(HALF) == "progress: download 123 of 456 bytes"


@pytest.mark.parametrize(("done", "shown"), [(-3, 0), (500, 456)])
def test_what_is_sent_again_never_leaves_the_whole(done, shown):
    assert progress.parse(progress.line(HALF._replace(done=done))) == HALF._replace(done=shown)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "progress: download 1 of 2",
        "progress: theft 1 of 2 bytes",
        "progress: download -1 of 2 bytes",
        "progress: download 1 of 2 bytes\x1b[2J",
        f"progress: download 1 of {10**19} bytes",
        "x progress: download 1 of 2 bytes",
    ],
)
def test_another_line_says_nothing(text):
    assert progress.parse(text) is None


def test_the_last_line_counts_and_another_one_ends_it():
    lines = ["export: checkpoint verified after 3.0 s", "progress: check 1 of 9 tensors", progress.line(HALF), ""]
    assert progress.latest("\n".join(lines)) == HALF
    assert progress.latest("\n".join([*lines, "export: exported after 9.0 s"])) is None
    assert progress.latest("") is None


def test_the_end_of_a_log_without_them_keeps_every_other_line():
    log = f"{progress.line(HALF)}\nException: 3 of 4 bytes\n{progress.line(HALF)}\nKilled"
    assert progress.without(log) == "Exception: 3 of 4 bytes\nKilled"
    assert progress.without("no line\n") == "no line\n"
    assert progress.without("") == ""


@pytest.mark.parametrize("cut", range(1, len(progress.line(HALF)) - 4))
def test_a_first_line_that_was_cut_is_left_out_too(cut):
    assert progress.without(progress.line(HALF)[cut:] + "\nKilled") == "Killed"


def test_a_meter_prints_once_a_second_and_begins_a_stream_again(capsys):
    times = iter([0.0, 0.5, 1.0, 1.9, 2.0, 2.1])
    readings = iter(([b"x" * 10, b"x" * 10, b"x" * 10], [b"x", b"x"]))
    meter = Meter(What.PUSH, 100, clock=lambda: next(times))
    meter.done = 40
    content = meter.counting(lambda: next(readings))
    assert b"".join(content()) == b"x" * 30
    assert meter.done == 70
    list(content())
    assert capsys.readouterr().err.splitlines() == [
        "progress: push 60 of 100 bytes",
        "progress: push 41 of 100 bytes",
    ]

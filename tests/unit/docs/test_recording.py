"""Recordings for the docs: a real terminal, what it shows, and the moving picture."""

import io
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageFont

from docs_tools.recording import picture
from docs_tools.recording.frames import LAST, LONGEST, Cell, Frame, frames
from docs_tools.recording.picture import Fonts, gif
from docs_tools.recording.terminal import Written, record

PROGRAM = """
import os, sys
size = os.get_terminal_size()
print("\\x1b[32mgreen\\x1b[0m", sys.stdout.isatty(), size.columns, size.lines)
raise SystemExit(3)
"""


FONTS = Fonts(ImageFont.load_default(14), ImageFont.load_default(14))
"""Of no package of the machine."""


def text(frame: Frame) -> list[str]:
    return ["".join(cell.text for cell in row).rstrip() for row in frame.screen]


def test_a_command_has_a_terminal_of_the_given_size():
    code, written = record([sys.executable, "-c", PROGRAM], 40, 5, cwd=Path.cwd())
    assert code == 3
    (shown,) = frames(written, 40, 5)
    assert text(shown)[0] == "green True 40 5"
    assert shown.screen[0][0] == Cell("g", "green")
    assert shown.screen[0][6] == Cell("T")


def test_output_that_comes_together_is_one_picture():
    written = [Written(0.0, b"a"), Written(0.05, b"b"), Written(0.5, b"c")]
    assert [text(frame)[0] for frame in frames(written, 10, 1)] == ["ab", "abc"]


def test_a_long_pause_is_cut_and_the_last_picture_stays():
    written = [Written(0.0, b"a"), Written(600.0, b"b"), Written(600.5, b"\rx"), Written(601.5, b"y")]
    assert [(text(frame)[0], frame.seconds) for frame in frames(written, 10, 1)] == [
        ("a", LONGEST),
        ("ab", 0.5),
        ("xb", 1.0),
        ("xy", LAST),
    ]


def test_pictures_that_do_not_differ_are_one():
    written = [Written(0.0, b"a"), Written(0.4, b"\x1b[?25l"), Written(0.8, b"\ra"), Written(1.0, b"b")]
    assert [(text(frame)[0], frame.seconds) for frame in frames(written, 10, 1)] == [("a", 1.0), ("ab", LAST)]


def test_a_recording_of_nothing_is_refused():
    assert frames([], 10, 1) == []
    with pytest.raises(ValueError, match="nothing"):
        gif([], FONTS)


def test_the_moving_picture_has_each_frame_for_its_time():
    row = (Cell("a", "green", bold=True), Cell())
    found = Image.open(io.BytesIO(gif([Frame((row,), 0.5), Frame((row[::-1],), 1.0)], FONTS)))
    assert found.n_frames == 2
    assert found.info["duration"] == 500
    found.seek(1)
    assert found.info["duration"] == 1000
    assert found.size[1] == picture.LINE + 2 * picture.MARGIN

"""Draws timelines as one self-contained SVG: a line for each container, a bar for each row, a colour for each kind."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from bench.latency.rows import Kind, Row, Timeline

COLOURS: Mapping[Kind, str] = {
    Kind.WORK: "#2e7d32",
    Kind.IMPORTS: "#f9a825",
    Kind.INTERPRETER: "#ef6c00",
    Kind.PULLING: "#1565c0",
    Kind.CONTAINER_START: "#6a1b9a",
    Kind.SCHEDULING: "#00838f",
    Kind.REPORTING: "#c62828",
}
_LABELS, _WIDTH, _LINE, _BAR, _HEAD = 130, 1000, 17, 12, 22
"""Pixels: of the labels on the left, of everything, of a line, of a bar, of a title."""
_TICKS = (0.5, 1, 2, 5, 10, 20, 60)
"""Seconds between two ticks; the first with which there are at most `_MOST`."""
_MOST = 20


def draw(title: str, panels: Mapping[str, Timeline]) -> str:
    """The picture. All panels have the same scale."""
    longest = max(found.seconds for found in panels.values())
    scale = (_WIDTH - _LABELS - 20) / longest
    step = next((step for step in _TICKS if longest / step <= _MOST), _TICKS[-1])
    parts, top = [_text(8, 16, title, "bold"), *_legend(32)], 48
    for name, found in panels.items():
        parts += _panel(name, found, top, scale, step)
        top += _HEAD + _LINE * len(_lines(found.rows)) + 26
    size = f'width="{_WIDTH}" height="{top}" viewBox="0 0 {_WIDTH} {top}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', *parts, "</svg>\n"])


def _panel(name: str, found: Timeline, top: float, scale: float, step: float) -> Iterator[str]:
    lines = _lines(found.rows)
    yield _text(8, top + 13, f"{name}: {found.seconds:.1f} s", "bold")
    bottom = top + _HEAD + _LINE * len(lines)
    for number in range(int(found.seconds / step) + 1):
        left = _LABELS + number * step * scale
        yield f'<path d="M{left:.1f} {top + _HEAD}V{bottom}" stroke="#ddd"/>'
        yield _text(left - 3, bottom + 12, f"{number * step:g}")
    for number, line in enumerate(lines):
        yield _text(8, top + _HEAD + number * _LINE + 12, line)
    for row in found.rows:
        left, wide = _LABELS + (row.start - found.start) * scale, max(row.seconds * scale, 0.5)
        place = top + _HEAD + lines.index(row.name) * _LINE + (_LINE - _BAR) / 2
        yield (
            f'<rect x="{left:.1f}" y="{place:.1f}" width="{wide:.1f}" height="{_BAR}" fill="{COLOURS[row.kind]}">'
            f"<title>{escape(f'{row.name}: {row.kind}, {row.what}, {row.seconds:.2f} s')}</title></rect>"
        )


def _lines(rows: Sequence[Row]) -> list[str]:
    """The names of the lines, in the order in which they begin."""
    return list(dict.fromkeys(row.name for row in rows))


def _legend(top: float) -> Iterator[str]:
    for number, (kind, colour) in enumerate(COLOURS.items()):
        left = 8 + number * 120
        yield f'<rect x="{left}" y="{top - 9}" width="10" height="10" fill="{colour}"/>'
        yield _text(left + 14, top, kind)


def _text(left: float, top: float, text: str, weight: str = "normal") -> str:
    return f'<text x="{left:.1f}" y="{top:.1f}" font-weight="{weight}">{escape(text)}</text>'

"""Runs independent cases in parallel: they mostly wait."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

AT_ONCE = 12


def together(cases: Mapping[str, Callable[[], Any]] | Iterable[Callable[[], Any]]) -> None:
    """Runs every case. The error names each failed case."""
    named = dict(cases) if isinstance(cases, Mapping) else {str(n): case for n, case in enumerate(cases, 1)}

    def one(case: Callable[[], Any]) -> str:
        try:
            case()
        except AssertionError as error:
            return str(error) or "an assertion failed"
        return ""

    with ThreadPoolExecutor(AT_ONCE) as pool:
        texts = dict(zip(named, pool.map(one, named.values()), strict=True))
    problems = [f"--- {name}\n{text}" for name, text in texts.items() if text]
    assert not problems, "\n".join(problems)

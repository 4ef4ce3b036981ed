"""For every test: a skip outside the committed list fails the run; fault rows are written to a page."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import rows

# jsonschema makes 38 parsers of IRIs from it when it is imported, which takes 4 s. No schema of the tests has one; the
# SBOMs that have some are validated in processes of their own.
sys.modules["rfc3987_syntax"] = None

ALLOWED_SKIPS = Path(__file__).parent / "skips.txt"
"""One test id and its reason per line, separated by ` # `."""

_unlisted: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "row(number, what): a row of the table in docs/operations/reliability.md")


@pytest.fixture(autouse=True)
def _row(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> None:
    for marker in request.node.iter_markers("row"):
        record_property("row", list(marker.args))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        lines = ALLOWED_SKIPS.read_text().splitlines()
        allowed = {line.split(" # ")[0].strip() for line in lines if not line.startswith("#")}
        if report.nodeid not in allowed:
            _unlisted.append(report.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if _unlisted:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows.summary(terminalreporter)
    for test in _unlisted:
        terminalreporter.write_line(f"SKIPPED without a line in {ALLOWED_SKIPS.name}: {test}", red=True)

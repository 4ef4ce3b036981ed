"""A shallow clone has no earlier version to upgrade from: it leaves these tests out, and says so."""

import pytest

from tests.upgrade import earlier

collect_ignore = [] if earlier.is_there() else ["test_upgrade.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if collect_ignore:
        terminalreporter.write_line(f"tests/upgrade is left out: {earlier.SHALLOW}")

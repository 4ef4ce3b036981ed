"""The world of the exports' tests, and the greatest difference of each test at the end of the run."""

import pytest

from tests.tf.conftest import pytest_configure, trained, world

__all__ = ["pytest_configure", "trained", "world"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", []):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name} {value}: {report.nodeid.rpartition('::')[2]}")

"""`make security`: runs every check of the checklist and prints a verdict for each question."""

import sys
from collections import defaultdict

import pytest

from tests.checklist.items import ITEMS, Item
from tests.checklist.tools import TOOLS, UNCHECKED


class Outcomes:
    """A plugin of pytest that keeps how each test ended."""

    def __init__(self) -> None:
        self.failed: dict[str, list[str]] = defaultdict(list)
        self.passed: dict[str, int] = defaultdict(int)
        self._wanted = {test for item in ITEMS for test in item.tests}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for wanted in self._wanted:
            if report.nodeid == wanted or report.nodeid.startswith((f"{wanted}::", f"{wanted}[", f"{wanted}/")):
                if report.failed:
                    self.failed[wanted].append(report.nodeid)
                elif report.when == "call":
                    self.passed[wanted] += 1


def verdict(item: Item, outcomes: Outcomes, tools: dict[str, str]) -> str:
    """`ok`, what failed, or why it is not checked here."""
    said = [tools[name] for name in item.tools if tools[name]]
    said += [f"FAILED: {test}" for wanted in item.tests for test in outcomes.failed[wanted]]
    said += [f"FAILED: no test ran for {wanted}" for wanted in item.tests if not outcomes.passed[wanted]]
    return "\n".join(said) or "ok"


def main() -> int:
    """Returns 1 if a check failed. One that cannot run here fails nothing, and says so."""
    outcomes = Outcomes()
    tests = sorted({test for item in ITEMS for test in item.tests})
    pytest.main(["-q", *tests], plugins=[outcomes])
    tools = {name: check() for name, check in TOOLS.items()}
    verdicts = [(item, verdict(item, outcomes, tools)) for item in ITEMS]
    print("\nSecurity checklist\n")
    for item, said in verdicts:
        mark = "ok" if said == "ok" else "--" if said.startswith(UNCHECKED) else "FAILED"
        by = ", ".join((*item.tests, *item.tools))
        print(f"{mark:6}  {item.question}\n        by {by}" + ("" if said == "ok" else f"\n        {said}"))
    return int(any(said != "ok" and not said.startswith(UNCHECKED) for _, said in verdicts))


if __name__ == "__main__":
    sys.exit(main())

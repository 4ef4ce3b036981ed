"""The tools of the checklist. Each returns nothing if all is well, `UNCHECKED` with a cause, or the problem."""

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from devcluster import binaries
from devcluster.lib.system import find_go

ROOT = Path(__file__).parents[2]
UNCHECKED = "not checked here: "
EXCEPTIONS = ROOT / "tests" / "checklist" / "exceptions.txt"
"""Ids of vulnerabilities that do not concern this project: `ID # reason, YYYY-MM-DD`."""
SOURCES = ("release", "job_contract", "object_store", "export_job", "build_job", "operator", "cli")
OLD = {"python27-installer", "tensorflow-1.15", "tutorial-base"}
"""Locks of Python 2.7, which run the tutorial's code and old graphs. They are old by intention."""
GOVULNCHECK = "golang.org/x/vuln/cmd/govulncheck@v1.9.0"
_PIN = re.compile(r"^[\w.-]+(?:\[[\w,]+\])?==", re.MULTILINE)
_UNREACHABLE = re.compile(r"not found on PyPI|ConnectionError|ServiceError|fetching vulnerabilities|dial tcp")
"""What the tools say without a connection."""


def _run(argv: Sequence[object], folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in argv], cwd=folder, capture_output=True, text=True, check=False)


def _ids() -> list[str]:
    lines = EXCEPTIONS.read_text().splitlines()
    return [line.split(" # ")[0] for line in lines if line and not line.startswith("#")]


def ruff() -> str:
    rules = ("--select=S", "--ignore=S603,S607")  # as pyproject.toml: programs are run with lists of arguments
    done = _run([sys.executable, "-m", "ruff", "check", *rules, "--quiet", *SOURCES])
    return done.stdout


def locks() -> str:
    problems = []
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        text = path.read_text()
        if len(_PIN.findall(text)) > text.count("--hash=") or "://" in text:
            problems.append(path.name)
    return f"not pinned by hash, or with an address: {', '.join(problems)}" if problems else ""


def pip_audit() -> str:
    tool = Path(sys.executable).with_name("pip-audit")
    ignored = [f"--ignore-vuln={found}" for found in _ids()]
    problems = []
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        if path.stem in OLD:
            continue
        done = _run([tool, "--disable-pip", "--require-hashes", "--progress-spinner=off", *ignored, "-r", path])
        said = done.stdout + done.stderr
        if _UNREACHABLE.search(said):
            return f"{UNCHECKED}pip-audit cannot reach its database"
        if done.returncode:
            problems.append(f"{path.name}:\n{said}")
    return "\n".join(problems)


def govulncheck() -> str:
    executor = binaries.ensure(binaries.KANIKO)["executor"]
    done = _run([find_go(), "run", GOVULNCHECK, "-mode=binary", executor])
    said = done.stdout + done.stderr
    if _UNREACHABLE.search(said):
        return f"{UNCHECKED}govulncheck cannot reach its database"
    found = sorted(set(re.findall(r"GO-\d{4}-\d+", said)))
    if not found:
        return said if done.returncode else ""
    return ", ".join(one for one in found if one not in _ids())


TOOLS: dict[str, Callable[[], str]] = {
    "ruff": ruff, "locks": locks, "pip-audit": pip_audit, "govulncheck": govulncheck,
}  # fmt: skip

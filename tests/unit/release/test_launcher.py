"""The launcher in the archive for krew: what it makes once, what it uses, and what it says when something is missing.

Its Python is a script here; tests/release/test_krew.py has the real one.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[3] / "release" / "krew" / "kubectl-inferenceimage"
WHEEL = "plugin-1.2.3-py3-none-any.whl"
TOOLS = ("cat", "chmod", "dirname", "ln", "mkdir", "mktemp", "readlink", "rm")
PYTHON = """\
#!/bin/sh
echo "${0##*/} $*" >>"$LOG"
case "$*" in
  -ISc*) readlink -f "$0" ;;
  "-Im venv"*) [ -z "${NO_VENV:-}" ] && mkdir -p "$3/bin" && ln -s "$0" "$3/bin/python" ;;
  *--require-hashes*)
    [ -z "${GATE:-}" ] || { echo here >"$GATE.arrived"; cat "$GATE" >/dev/null; }
    echo "a line of pip"
    [ -z "${NO_NETWORK:-}" ] ;;
  *--no-deps*)
    for name in kubectl-inferenceimage kubectl_complete-inferenceimage; do
      printf '#!/bin/sh\\necho "%s runs with $*"\\n' "$name" >"${0%/*}/$name"
      chmod +x "${0%/*}/$name"
    done ;;
esac
"""
DEADLINE = 60
OLD = "#!/bin/sh\nexit 1\n"
"""A Python before 3.11, for which the launcher's question ends with 1."""


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@dataclass
class Installed:
    """The plugin as krew installs it, and a PATH without any other Python."""

    root: Path

    @property
    def store(self) -> Path:
        return self.root / "store" / "v1.2.3"

    @property
    def environments(self) -> list[Path]:
        return sorted(path for path in self.store.iterdir() if path.is_dir())

    @property
    def asked(self) -> list[str]:
        """What the Pythons were asked to do."""
        log = self.root / "log"
        return log.read_text().splitlines() if log.exists() else []

    def command(self, name: str = "kubectl-inferenceimage") -> list[str]:
        return [str(self.root / "krew bin" / name), "get", "a b"]

    def environment(self, changes: Mapping[str, str] | None = None) -> dict[str, str]:
        return {"PATH": f"{self.root / 'bin'}:{self.root / 'tools'}", "LOG": str(self.root / "log"), **(changes or {})}

    def run(self, name: str = "kubectl-inferenceimage", **changes: str) -> subprocess.CompletedProcess[str]:
        environment = self.environment(changes)
        return subprocess.run(self.command(name), env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    made = Installed(tmp_path)
    script(made.store / "kubectl-inferenceimage", SOURCE.read_text().replace("@WHEEL@", WHEEL))
    (tmp_path / "krew bin").mkdir()
    (tmp_path / "krew bin" / "kubectl-inferenceimage").symlink_to(made.store / "kubectl-inferenceimage")
    (tmp_path / "krew bin" / "kubectl_complete-inferenceimage").symlink_to("kubectl-inferenceimage")
    (tmp_path / "tools").mkdir()
    for name in TOOLS:
        (tmp_path / "tools" / name).symlink_to(shutil.which(name))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(script(tmp_path / "real" / "python3.11", PYTHON))
    return made


def held(installed: Installed) -> tuple[subprocess.Popen[str], Path]:
    """A first start in a session of its own, whose pip waits until somebody writes to the gate."""
    gate = installed.root / "gate"
    for path in (gate, installed.root / "gate.arrived"):
        os.mkfifo(path)
    environment = installed.environment({"GATE": str(gate)})
    start = subprocess.Popen(
        installed.command(), env=environment, stdout=-1, stderr=-1, text=True, start_new_session=True
    )
    assert (installed.root / "gate.arrived").read_text() == "here\n"
    return start, gate


def refused(done: subprocess.CompletedProcess[str], sentence: str) -> None:
    """The plugin did not run, and the last line says why."""
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith(f"kubectl inferenceimage: {sentence}"), done.stderr


def test_the_first_start_installs_and_the_next_ones_do_not(installed: Installed) -> None:
    first, second = installed.run(), installed.run()
    assert first.stdout == second.stdout == "kubectl-inferenceimage runs with get a b\n"
    assert first.stderr == "kubectl inferenceimage: installing its Python packages, which happens once\na line of pip\n"
    assert second.stderr == ""
    _, _, locked, plugin = installed.asked
    assert locked.endswith(f"install --require-hashes --requirement {installed.store}/requirements.txt")
    assert plugin.endswith(f"install --no-deps {installed.store}/{WHEEL}")


def test_a_half_made_environment_is_not_used(installed: Installed) -> None:
    half = installed.store / f"{WHEEL}.AAAAAA" / "bin"
    script(half / "python", PYTHON)
    script(half / "kubectl-inferenceimage", OLD)
    assert installed.run().returncode == 0
    assert len(installed.environments) == 2


def test_an_environment_of_another_version_is_not_used(installed: Installed) -> None:
    installed.run()
    script(installed.store / "kubectl-inferenceimage", SOURCE.read_text().replace("@WHEEL@", "plugin-1.2.4.whl"))
    assert installed.run().returncode == 0
    assert [path.name.rpartition(".")[0] for path in installed.environments] == [WHEEL, "plugin-1.2.4.whl"]


def test_an_environment_whose_python_is_gone_is_made_again(installed: Installed) -> None:
    installed.run()
    (installed.root / "bin" / "python3").unlink()
    (installed.root / "real" / "python3.11").rename(installed.root / "bin" / "python3.12")
    done = installed.run()
    assert done.stdout == "kubectl-inferenceimage runs with get a b\n"
    assert len(installed.environments) == 2
    assert installed.run().stderr == ""


def test_a_python_that_is_too_old_is_passed_over(installed: Installed) -> None:
    (installed.root / "bin" / "python3").rename(installed.root / "bin" / "python3.12")
    script(installed.root / "bin" / "python3", OLD)
    assert installed.run().returncode == 0
    assert installed.asked[0].startswith("python3.12 -ISc ")


def test_of_two_first_starts_one_uses_what_the_other_made(installed: Installed) -> None:
    slow, gate = held(installed)
    assert installed.run().returncode == 0
    assert len(installed.environments) == 2
    gate.write_text("")
    out, err = slow.communicate(timeout=DEADLINE)
    assert (out, slow.returncode) == ("kubectl-inferenceimage runs with get a b\n", 0), err
    assert len(installed.environments) == 1


def test_an_interrupted_start_leaves_nothing(installed: Installed) -> None:
    slow, _ = held(installed)
    os.killpg(slow.pid, signal.SIGTERM)  # not SIGINT: a shell in which that was ignored from the start cannot trap it
    slow.communicate(timeout=DEADLINE)
    assert slow.returncode == 130
    assert installed.environments == []


def test_without_python_it_asks_for_one(installed: Installed) -> None:
    (installed.root / "bin" / "python3").unlink()
    refused(installed.run(), "needs Python 3.11 or later: install it, and put it on PATH as python3.")


def test_without_the_module_venv_it_asks_for_it(installed: Installed) -> None:
    python = installed.root / "real" / "python3.11"
    refused(installed.run(NO_VENV="1"), f"{python} cannot make a virtual environment: install its module venv")
    assert installed.environments == []


def test_without_a_package_index_it_asks_for_the_connection(installed: Installed) -> None:
    done = installed.run(NO_NETWORK="1")
    refused(done, "could not install its Python packages: check that pip reaches its package index")
    assert "a line of pip" in done.stderr
    assert installed.environments == []
    assert installed.run().returncode == 0


def test_without_the_right_to_write_it_says_where(installed: Installed) -> None:
    (installed.root / "tools" / "mktemp").unlink()
    script(installed.root / "tools" / "mktemp", OLD)
    refused(installed.run(), f"cannot write to {installed.store}: start it once as a user who can.")


def test_completion_runs_once_the_plugin_has_and_installs_nothing(installed: Installed) -> None:
    before = installed.run("kubectl_complete-inferenceimage")
    assert (before.returncode, before.stdout, before.stderr, installed.environments) == (1, "", "", [])
    installed.run()
    after = installed.run("kubectl_complete-inferenceimage")
    assert (after.returncode, after.stdout) == (0, "kubectl_complete-inferenceimage runs with get a b\n")

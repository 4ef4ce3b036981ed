"""Mutation testing of the operator's pure core: changes one thing at a time and checks whether a unit test fails.

Each mutant runs in a fork of a process that has imported everything and collected the tests. `python -m
bench.mutation [MODULE...]` writes out/bench/mutation.json and prints the survivors; docs/mutation.md explains them.
"""

import gc
import json
import os
import resource
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bench.mutation.mutants import Mutant, mutants

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "operator" / "inference_image_operator"
CORE = (
    *(f"core/{name}" for name in ("decide", "waiting", "polling", "draft", "progress", "failure", "policy", "retry")),
    *(f"core/{name}" for name in ("tags", "latest", "produced", "pin", "rollout", "ended", "earlier")),
    *(f"core/{name}" for name in ("foresee", "reach", "trace")),
    *(f"diagnosis/{name}" for name in ("outcomes", "pending", "kaniko_log", "tested_image")),
    *(f"diagnosis/{name}" for name in ("injected", "admission", "waiting_for", "serving_pod")),
    *(f"api/{name}" for name in ("stages", "names", "conditions", "times", "quantities")),
    *(f"jobs/{name}" for name in ("__init__", "job", "pod", "image_labels")),
    *(f"jobs/stages/{name}" for name in ("resolve", "export", "build", "test", "publish")),
    *(f"jobs/sizing/{name}" for name in ("disk", "memory")),
)
TESTS = (
    "diagnosis/test_outcomes",
    "diagnosis/test_pending",
    "diagnosis/test_kaniko_log",
    "diagnosis/test_tested_image",
    "diagnosis/test_captured_logs",
    "diagnosis/test_injected",
    "diagnosis/test_admission",
    "core/test_policy",
    "core/test_waiting",
    "core/test_tags",
    "core/test_produced",
    "core/test_draft",
    "core/test_pin",
    "core/test_rollout",
    "core/test_earlier",
    "core/test_trace",
    "diagnosis/test_serving_pod",
    "core/test_installations",
    "jobs/test_resources",
    "api/test_conditions",
    "api/test_names",
    "core/test_retry",
    "core/test_journal",
    "jobs/test_manifest_corners",
    "jobs/test_memory",
    "jobs/test_test_stage",
    "jobs/test_export_formats",
    "jobs/test_sources",
    "jobs/test_builders",
    "core/test_decide",
    "core/test_latest",
    "core/test_polling",
    "core/test_polling_killed",
    "core/test_dry_run",
    "api/test_model",
    "api/test_unreadable_status",
    "jobs/test_beside_kaniko",
    "jobs/test_pods",
    "kube/test_rollout",
    "core/test_restoring",
    "core/test_foresee",
    "core/test_reach",
    "core/test_progress",
    "core/test_failure",
    "jobs/test_manifests",
    "jobs/test_beside_the_image",
    "jobs/test_ufile_network",
    "config/test_registries",
    "kube/test_observe",
    "runtime/test_reconcile",
    "runtime/test_job_signals",
)
"""In the order, after those with the name of the module. The first failure kills a mutant: fast tests first."""
OUT = ROOT / "out" / "bench" / "mutation.json"
WANTED = 0.95
OPTIONS = ("-x", "-q", "-s", "--tb=no", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist")
LIMITS = ("-o", "timeout=20", "-W", "ignore:Module already imported")
"""A test that does not end kills the mutant."""
CPU_SECONDS = 120
"""A test that loops in spite of that, such as one that catches every exception, kills it too. All tests take 20 s."""


class Changed(MetaPathFinder, Loader):
    """Imports the mutated module instead of the one on disk."""

    def __init__(self, mutant: Mutant) -> None:
        self._name = _dotted(mutant)
        self._path = PACKAGE / f"{mutant.module}.py"
        self._code = mutant.code

    def find_spec(self, fullname: str, _path: object, _target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        locations = [str(self._path.parent)] if self._path.stem == "__init__" else None
        return spec_from_file_location(fullname, self._path, loader=self, submodule_search_locations=locations)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:  # noqa: ARG002 - required by the protocol of loaders
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, module.__dict__)  # noqa: S102 - as an import does


class Forks:
    """A pytest plugin: after the collection, it forks for each mutant; the fork mutates itself and runs the tests."""

    def __init__(self, todo: list[Mutant]) -> None:
        self.survived: list[Mutant] = []
        self.child = False
        self._todo = todo

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """True if all mutants are done; None in a fork, which continues with the tests."""
        gc.collect()
        gc.freeze()  # or the first collection of every fork would copy the memory that it shares with this process
        running: dict[int, Mutant] = {}
        waiting = iter(self._todo)
        while True:
            while len(running) < (os.cpu_count() or 1) and (mutant := next(waiting, None)):
                pid = os.fork()
                if not pid:
                    self.child = True
                    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
                    _become(mutant)
                    session.items.sort(key=lambda item: _later(mutant.module, item.path))
                    return None
                running[pid] = mutant
            if not running:
                return True
            pid, status = os.wait()
            mutant = running.pop(pid)
            if status == 0:
                self.survived.append(mutant)
                print("survived", mutant.name, flush=True)


def _become(mutant: Mutant) -> None:
    """Turns this process into the mutant. It replaces a function in place; any other change needs a new import."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    if not mutant.inside:
        for name in [name for name in sys.modules if name.startswith(("inference_image_operator", "tests."))]:
            del sys.modules[name]
        sys.meta_path.insert(0, Changed(mutant))
        os._exit(_pytest(module=mutant.module))
    fresh: dict[str, Any] = {"__name__": _dotted(mutant), "__package__": "inference_image_operator"}
    exec(mutant.code, fresh)  # noqa: S102 - as an import does
    new: Any = _find(fresh, mutant.inside)
    old: Any = _find(vars(sys.modules[_dotted(mutant)]), mutant.inside)
    old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__


def _find(names: dict[str, Any], qualified: str) -> object:
    first, _, rest = qualified.partition(".")
    found = vars(names[first])[rest] if rest else names[first]
    return found.fget if isinstance(found, property) else found


def _dotted(mutant: Mutant) -> str:
    return ("inference_image_operator." + mutant.module.replace("/", ".")).removesuffix(".__init__")


def _later(module: str, test: Path) -> bool:
    """Whether the tests of this file come after those that have the module's name."""
    return Path(module).name not in test.stem


def _pytest(*plugins: object, module: str = "") -> int:
    """Runs the tests in this process, and returns their exit code."""
    files = [path for name in TESTS if (path := ROOT / f"tests/unit/operator/{name}.py").exists()]
    files.sort(key=lambda path: _later(module, path))
    return int(pytest.main([*OPTIONS, *LIMITS, *map(str, files)], plugins=list(plugins)))


def main(modules: list[str]) -> int:
    """Returns 0 if enough mutants are killed, 1 if not, 2 if the tests fail without a mutation."""
    os.chdir(ROOT)
    if _pytest():
        print("the unit tests fail without a mutation", file=sys.stderr)
        return 2
    todo = [mutant for module in modules or CORE for mutant in mutants(PACKAGE, module)]
    forks = Forks(todo)
    code = _pytest(forks)
    if forks.child:
        os._exit(code)
    return _report(len(todo), [mutant.name for mutant in forks.survived])


def _report(total: int, survived: list[str]) -> int:
    killed = total - len(survived)
    score = killed / total
    figure = {"name": "mutants killed", "unit": "share", "ours": round(score, 4), "baseline": WANTED}
    figure |= {"ratio": round(score / WANTED, 4), "command": "make mutation"}
    report = {"killed": killed, "survived": len(survived), "score": round(score, 4), "survivors": sorted(survived)}
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(report | {"figures": [figure]}, indent=2) + "\n")
    print(f"{killed} of {total} mutants killed: {score:.1%}")
    return 0 if score >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The tutorial's server and inference code, run by Python 2.7 in the root file system of its base image."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devcluster.images import python27
from devcluster.settings import REPOSITORY

EXAMPLE = REPOSITORY / "examples" / "tutorial"
GUNICORN = "gunicorn --bind 127.0.0.1:0 -c gunicorn.conf.py httpserver.wsgi"
DEADLINE = 60


@pytest.fixture(scope="session")
def root() -> Path:
    return python27.ensure(python27.TENSORFLOW_1_7)


class Service:
    """The server as a process; its folder is the image's /ai-ucloud-client-django."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.folder = folder
        self._log = folder / "log"
        command = f"cd {python27.WORK} && exec {GUNICORN}"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                python27.argv(root, folder, ["sh", "-c", command]),
                env={"PATH": os.environ["PATH"], "UAI_SERVICE_CONFIG": "conf.json", "TF_CPP_MIN_LOG_LEVEL": "2"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def address(self) -> str:
        """The address of the server, once it listens."""
        deadline = time.monotonic() + DEADLINE
        while not (found := re.search(r"Listening at: (http://\S+)", self.log)):
            assert self._process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)
        return found[1]

    def curl(self, path: str, *arguments: str | Path) -> tuple[int, bytes]:
        """Status and body of a request of the real curl."""
        command = ["curl", "--silent", "--show-error", "--max-time", str(DEADLINE), "--write-out", "\n%{http_code}"]
        done = subprocess.run([*command, *arguments, self.address + path], capture_output=True, check=True)
        body, _, status = done.stdout.rpartition(b"\n")
        return int(status), body

    def end(self) -> int:
        """The exit code, when the server ends by itself."""
        return self._process.wait(DEADLINE)

    def stop(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(DEADLINE)


Serve = Callable[..., Service]


@pytest.fixture
def serve(root: Path, tmp_path: Path) -> Iterator[Serve]:
    """serve("model", "Model", model="class Model: ...") starts the server with such a model.py beside it."""
    started: list[Service] = []

    def start(main_file: str, main_class: str, checkpoint_dir: Path | None = None, **files: str) -> Service:
        folder = tmp_path / "served"
        shutil.copytree(EXAMPLE / "server", folder)
        shutil.copytree(EXAMPLE / "code", folder, dirs_exist_ok=True)
        if checkpoint_dir:
            shutil.copytree(checkpoint_dir, folder / "checkpoint_dir")
        for name, text in files.items():
            (folder / f"{name}.py").write_text(text)
        program = {"main_file": main_file, "main_class": main_class}
        conf = {"http_server": {"exec": program, "tensorflow": {"model_dir": "./checkpoint_dir"}}}
        (folder / "conf.json").write_text(json.dumps(conf))
        started.append(Service(root, folder))
        return started[-1]

    yield start
    for service in started:
        service.stop()

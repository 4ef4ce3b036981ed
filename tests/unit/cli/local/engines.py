"""An engine that records its arguments: a program on PATH in place of docker or podman."""

import json
import sys
from pathlib import Path
from typing import Any

ENGINE = """\
#!{python}
import json, os, pathlib, sys
words = sys.argv[1:]
with open({log!r}, "a") as log:
    json.dump({{"words": words, "env": dict(os.environ)}}, log)
    log.write("\\n")
if words[0] == "run":
    here = pathlib.Path(next(w for w in words if w.endswith(":/inference-image")).rpartition(":")[0])
    context = {{str(p.relative_to(here)): p.read_text() for p in sorted(here.rglob("*")) if p.is_file()}}
    logins = pathlib.Path(next(w for w in words if ":/kaniko/.docker" in w).split(":")[0], "config.json")
    json.dump({{"context": context, "logins": logins.read_text(), "mode": logins.stat().st_mode}}, open({seen!r}, "w"))
    print("INFO[0000] said by Kaniko", file=sys.stderr)
    (here / "image.tar").write_text("the image")
    {act}
"""


class Engine:
    """An engine on PATH, and the arguments that it received."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log, self._seen = folder / "log", folder / "seen"

    def install(self, name: str = "docker", act: str = "") -> None:
        program = self.folder / name
        program.write_text(ENGINE.format(python=sys.executable, log=str(self._log), seen=str(self._seen), act=act))
        program.chmod(0o755)

    @property
    def calls(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.read_text().splitlines()] if self._log.exists() else []

    @property
    def run(self) -> list[str]:
        (words,) = [call["words"] for call in self.calls if call["words"][0] == "run"]
        return words

    @property
    def seen(self) -> dict[str, Any]:
        return json.loads(self._seen.read_text())

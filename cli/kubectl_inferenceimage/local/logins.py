"""Reads the registry logins of docker and podman from their files and credential helpers.

Formats: https://docs.docker.com/reference/cli/docker/login/#credential-stores and containers-auth.json(5).
"""

import json
import os
import re
import subprocess
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from inference_image_build.registry.auth import DEFAULT_KEY, Login, config_json, logins_of, normalise_host
from inference_image_contract.errors import StageError
from inference_image_contract.registry_hosts import DEFAULT_HOST
from kubectl_inferenceimage.errors import CommandError

Engine = Literal["docker", "podman"]

_HELPER = re.compile(r"[A-Za-z0-9._-]+")
_HELPER_SECONDS = 30
_TOKEN = "<token>"  # noqa: S105 - a helper's user name for a token in place of a password


def collect(hosts: Collection[str], files: Collection[Path]) -> dict[str, Login]:
    """The logins for these registries, each from the first file that has one.

    Raises CommandError when a file is invalid. The message repeats no part of it.
    """
    found: dict[str, Login] = {}
    for path in files:
        document = _document(path)
        stored = _stored(path, document)
        for host in hosts:
            if host not in found and (login := stored.get(host) or _helped(document, host)):
                found[host] = login
    return found


def files(engine: Engine, chosen: str = "") -> tuple[Path, ...]:
    """The files to search for logins: only the chosen one, or else those of the engine, then of the other engine.

    Raises CommandError when the chosen file does not exist.
    """
    if chosen:
        if not Path(chosen).is_file():
            raise CommandError(f"The file {chosen} with registry logins does not exist.")
        return (Path(chosen),)
    by_engine = {"docker": list(_docker_files()), "podman": list(_podman_files())}
    own = by_engine.pop(engine)
    return tuple(path for path in (*own, *(path for others in by_engine.values() for path in others)) if path.is_file())


def write(logins: Mapping[str, Login], path: Path) -> None:
    """Writes a docker `config.json` with only these logins, readable only by its owner."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(config_json(logins), encoding="utf-8")


def _docker_files() -> Iterator[Path]:
    yield Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"


def _podman_files() -> Iterator[Path]:
    if named := os.environ.get("REGISTRY_AUTH_FILE"):
        yield Path(named)
    yield Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}") / "containers" / "auth.json"
    yield Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "containers" / "auth.json"


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise CommandError(f"The registry logins of {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise CommandError(f"The registry logins of {path} cannot be read: it is not JSON.") from error
    if not isinstance(document, dict):
        raise CommandError(f"The registry logins of {path} cannot be read: it is not a JSON object.")
    return document


def _stored(path: Path, document: Mapping[str, Any]) -> dict[str, Login]:
    entries = document.get("auths")
    if not isinstance(entries, dict):
        return {}
    try:
        return logins_of(entries)
    except StageError as error:
        raise CommandError(f"The registry logins of {path} cannot be read: log in again.") from error


def _helped(document: Mapping[str, Any], host: str) -> Login | None:
    """The login from the credential helper in the file; None if there is no helper or it has no login."""
    found = document.get("credHelpers")
    helpers = {normalise_host(key): (key, name) for key, name in found.items()} if isinstance(found, dict) else {}
    key, name = helpers.get(host, ("", None))
    name = name or document.get("credsStore")
    key = DEFAULT_KEY if host == DEFAULT_HOST else key or host
    if not isinstance(name, str) or not _HELPER.fullmatch(name):
        return None
    try:
        answer = subprocess.run(
            [f"docker-credential-{name}", "get"],
            check=True,
            input=key.encode(),
            capture_output=True,
            timeout=_HELPER_SECONDS,
        )
        login = json.loads(answer.stdout)
        user, password = login["Username"], login["Secret"]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return None
    return Login(user, password) if user and user != _TOKEN else None

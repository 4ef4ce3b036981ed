"""The docker `config.json` of a builder: the logins that its build needs, under the hosts that it looks up.

Builders compare hosts as text; people write them in any case, with https:// or under another name of the registry.
"""

from collections.abc import Iterable
from pathlib import Path

from inference_image_build.registry import references
from inference_image_build.registry.auth import config_json, find_login, read_logins
from inference_image_contract.inputs import Registry
from inference_image_contract.registry_hosts import key


def write(where: Registry, images: Iterable[str], cache_host: str, secret: Path, target: Path) -> None:
    """Writes the logins for the target, the cache, the base images and their mirrors, readable by user and group.

    Raises StageError (`InvalidInput`) if the Secret is malformed.
    """
    logins, names = read_logins(secret), where.names()
    hosts = [references.parse_repository(where.repository).host]
    for image in map(references.parse, images):
        mirrors = names.find(image.host, where.mirrors) or ()
        hosts += [image.host, *(key(mirror.partition("/")[0]) for mirror in mirrors)]
    hosts += [key(cache_host)] if cache_host else []
    found = {host: login for host in hosts if (login := find_login(logins, host, names))}
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    target.write_text(config_json(found), encoding="utf-8")
    target.chmod(0o440)

"""The docker `config.json` of a builder: the login for its cache, under the host that it looks up.

Builders compare hosts as text; people write them in any case, with https:// or under another name of the registry.
"""

from pathlib import Path

from inference_image_build.registry.auth import config_json, find_login, read_logins
from inference_image_contract.inputs import Registry
from inference_image_contract.registry_hosts import key


def write(where: Registry, cache_host: str, secret: Path, target: Path) -> None:
    """Writes the login for the cache, readable by user and group.

    Raises StageError (`InvalidInput`) if the Secret is malformed.
    """
    host = key(cache_host)
    login = find_login(read_logins(secret), host, where.names())
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    target.write_text(config_json({host: login} if login else {}), encoding="utf-8")
    target.chmod(0o440)

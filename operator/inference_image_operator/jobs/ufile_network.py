"""How a container reaches US3 (formerly UFile): through the installation's proxy, with the installation's CA."""

from typing import Any

from inference_image_contract import paths
from inference_image_operator.config.installation import Config
from inference_image_operator.jobs.pod import escape_dollars

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Never through the proxy."""

_VOLUME = "ufile-ca"


def env(config: Config) -> list[dict[str, Any]]:
    """The environment variables of the proxy, which HTTP clients read."""
    proxy = config.ufile.proxy
    if not proxy.url:
        return []
    values = {
        "HTTP_PROXY": proxy.url,
        "HTTPS_PROXY": proxy.url,
        "NO_PROXY": ",".join((*LOOPBACK, *proxy.no_proxy)),
    }
    return [{"name": name, "value": escape_dollars(value)} for name, value in values.items()]


def volumes(config: Config) -> list[dict[str, Any]]:
    """The volume with the installation's CA, if it has one."""
    if not config.ufile.ca_config_map:
        return []
    file = paths.UFILE_CA.rpartition("/")[2]
    items = [{"key": file, "path": file}]
    config_map = {"name": config.ufile.ca_config_map, "items": items, "defaultMode": 0o444}
    return [{"name": _VOLUME, "configMap": config_map}]


def mounts(config: Config) -> list[dict[str, Any]]:
    """The mount of `volumes`."""
    if not config.ufile.ca_config_map:
        return []
    return [{"name": _VOLUME, "mountPath": paths.UFILE_CA.rpartition("/")[0], "readOnly": True}]

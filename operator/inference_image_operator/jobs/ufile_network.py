"""How a container reaches UFile from inside the installation's network: through its proxy, trusting its CA."""

from typing import Any

from inference_image_contract import paths
from inference_image_operator.config.installation import Config
from inference_image_operator.jobs.pod import escape_dollars

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Never asked through a proxy: `probe` asks the image beside it."""

_VOLUME = "ufile-ca"


def env(config: Config) -> list[dict[str, Any]]:
    """The proxy's environment variables, as every HTTP client reads them."""
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
    """The installation's CA, if it has one."""
    if not config.ufile.ca_config_map:
        return []
    file = paths.UFILE_CA.rpartition("/")[2]
    items = [{"key": file, "path": file}]
    config_map = {"name": config.ufile.ca_config_map, "items": items, "defaultMode": 0o444}
    return [{"name": _VOLUME, "configMap": config_map}]


def mounts(config: Config) -> list[dict[str, Any]]:
    """The mount that belongs to `volumes`."""
    if not config.ufile.ca_config_map:
        return []
    return [{"name": _VOLUME, "mountPath": paths.UFILE_CA.rpartition("/")[0], "readOnly": True}]

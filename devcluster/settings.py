"""Names, addresses and paths of the development cluster."""

import hashlib
import os
from pathlib import Path

from devcluster import versions


def state_name(kubernetes: str) -> str:
    """The folder of a cluster's state, one for each Kubernetes version, so that clusters can run side by side."""
    return ".devcluster" if kubernetes == versions.DEVELOPMENT else f".devcluster-{kubernetes}"


REPOSITORY = Path(__file__).resolve().parents[1]
STATE = REPOSITORY / state_name(versions.chosen_name())
CONFIG = REPOSITORY / "devcluster" / "config"

NODE_NAME = "devcluster"
NODE_ADDRESS = "10.90.0.2"
NODE_GATEWAY = "10.90.0.1"
API_PORT = 6443
SERVICE_ADDRESS = "10.96.0.1"
"""ClusterIP of the Service `kubernetes`: the first address of the service range in `components`."""

REGISTRY_HOST = "uhub.devcluster.test"
REGISTRY_USER = "demo@example.com"
GIT_HOST = "git.devcluster.test:9418"
"""Tests serve it at NODE_ADDRESS."""
UFILE_SUFFIX = ".ufile.devcluster.test"
UFILE_BUCKET = "uai-demo"
TUTORIAL_BUCKET = "uai-tutorial"
UFILE_CONTROL_PORT = 9180
"""The stand-in's control port, on loopback inside the node's network."""
IMAGE_PREFIX = f"{REGISTRY_HOST}/inference-image"
BASE_IMAGE = f"{REGISTRY_HOST}/library/python:3.13"
TUTORIAL_BASE = f"{REGISTRY_HOST}/uaishare/cpu_uaiservice_ubuntu-16.04_python-2.7_tensorflow-1.7.0:v1.2"
"""UCloud's name for it; ours is Debian 11."""

MOUNT = Path("/run/devcluster")
"""Where the node sees state, configuration and programs, so that its configuration files can be static."""
NODE_STATE = MOUNT / "state"
NODE_CONFIG = MOUNT / "config"
NODE_BINARIES = MOUNT / "bin"


def cache() -> Path:
    """The cache of expensive results, shared by clusters and clones."""
    place = os.environ.get("INFERENCE_IMAGE_CACHE", "")
    return Path(place) if place else Path.home() / ".cache" / "inference-image-operator"


def cgroup_name() -> str:
    """The cgroup of this clone's pods; the node's is named after it. Two clones on one machine never share one."""
    return "devcluster-" + hashlib.sha256(str(STATE).encode()).hexdigest()[:8]

"""What kubectl itself completes for the plugin, with a real API server behind it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from devcluster import versions
from devcluster.binaries import ensure, kubernetes
from devcluster.controlplane import ControlPlane
from tests.crd.conftest import NAMESPACE, Server

SCRIPTS = Path(sys.executable).parent
"""Where pip puts the plugin's programs."""


def completed(plane: ControlPlane, *words: str) -> list[str]:
    """The candidates, then cobra's directive."""
    kubectl = ensure(kubernetes(versions.chosen()))["kubectl"]
    environment = os.environ | {"PATH": f"{SCRIPTS}:{os.environ['PATH']}", "KUBECONFIG": str(plane.kubeconfig)}
    done = subprocess.run(
        [kubectl, "__complete", "inferenceimage", *words], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_kubectl_completes_the_plugin(plane: ControlPlane, server: Server, manifest_with: Callable[..., Any]) -> None:
    server.create(manifest_with({}) | {"metadata": {"name": "completed"}}, dry_run=False)
    try:
        assert completed(plane, "desc") == ["describe", ":4"]
        assert "completed" in completed(plane, "describe", "-n", NAMESPACE, "")
        assert completed(plane, "describe", "-n", "kube-sys") == ["kube-system", ":4"]
        assert completed(plane, "render", "-f", "") == [":0"]
    finally:
        server.delete("completed")

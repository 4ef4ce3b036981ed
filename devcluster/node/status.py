"""Prints the cluster's state: components, kubeconfig, nodes and pods."""

import json

from devcluster import cluster, settings
from devcluster.lib.run import CommandError
from devcluster.node import supervisor
from devcluster.node.init import STATUS


def show() -> None:
    """Prints what runs, or how to start the cluster."""
    if supervisor.node_process() is None:
        print("The development cluster is not running: start it with `make cluster-up`.")
        return
    for name, part in json.loads((settings.STATE / STATUS).read_text()).items():
        print(f"{name:26}{describe(part)}")
    print(f"{'kubeconfig':26}{cluster.KUBECONFIG}")
    try:
        print(cluster.kubectl("get", "nodes,pods", "--all-namespaces", "-o", "wide").rstrip())
    except CommandError as error:
        print(error)


def describe(part: dict[str, object]) -> str:
    """The state of one component in words."""
    starts = part["starts"]
    if part["done"]:
        return "done"
    if part["running"]:
        return "running" if starts == 1 else f"running, started {starts} times"
    if starts == 0:
        return "waiting for the API server"
    return f"exited with code {part['lastCode']}, started {starts} times"

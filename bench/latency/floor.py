"""The floor of a run: bare Jobs of the same containers, each created the moment the pod of the one before is done.

The last pod must have succeeded, as for the operator: a publication counts then.
"""

import copy
import time
from collections.abc import Sequence
from functools import partial

from kubernetes import client, config

from bench.latency.recording import FLOOR, STAGE, Object, Recording, log_of
from bench.latency.rows import Timeline, timeline
from demo import kubectl


def bare(job: Object, name: str) -> Object:
    """The manifest of a Job that the operator made, without its owner, its labels and what the API server added."""
    label = {FLOOR: job["metadata"]["labels"][STAGE]}
    spec = {key: value for key, value in copy.deepcopy(job["spec"]).items() if key not in ("selector", "suspend")}
    spec["template"]["metadata"] = {"labels": label}
    meta = {"name": name, "namespace": job["metadata"]["namespace"], "labels": label}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec}


def run(found: Recording, jobs: Sequence[Object]) -> Timeline:
    """Runs these Jobs. Raises TimeoutError when one does not succeed."""
    api = client.BatchV1Api(config.new_client_from_config(str(kubectl.KUBECONFIG)))
    namespace = jobs[0]["metadata"]["namespace"]
    start = time.time()
    manifests = [bare(job, f"floor-{int(start)}-{number}") for number, job in enumerate(jobs)]
    names = [manifest["metadata"]["name"] for manifest in manifests]
    for name, manifest in zip(names, manifests, strict=True):
        api.create_namespaced_job(namespace, manifest)
        found.until(f"{name} is done", partial(found.done_pod, name))
    for name in names:
        found.until(f"{name} succeeds", partial(found.pod_of, name))
    pods = found.pods(FLOOR, start, log_of(namespace))
    return timeline(pods, start, pods[-1].succeeded, "the script")

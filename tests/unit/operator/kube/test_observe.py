"""Two threads, kopf's and ours, read objects at the same time, from the first object on."""

import os
import subprocess
import sys

from devcluster import settings

READS = """
import sys, threading
from inference_image_operator.kube.observe import from_object
from tests.support.world import SPEC
sys.setswitchinterval(1e-6)
meta = {"name": "n", "namespace": "s", "uid": "u"}
at_once = threading.Barrier(8)
def reads():
    at_once.wait()
    from_object({"metadata": meta, "spec": SPEC, "status": {"observedGeneration": -1}})
threads = [threading.Thread(target=reads) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_two_threads_may_read_the_first_objects_at_once():
    """Without the early decoders, about every second process ends with a segmentation fault."""
    roots = [str(settings.REPOSITORY / root) for root in (".", "operator", "job_contract")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(roots)}
    runs = [subprocess.Popen([sys.executable, "-c", READS], env=environment) for _ in range(16)]
    assert [run.wait() for run in runs] == [0] * 16

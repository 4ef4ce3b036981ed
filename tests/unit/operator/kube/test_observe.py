"""Two threads, kopf's and ours, read objects at the same time, from the first object on."""

import subprocess
import sys

READS = """
import os, sys, threading
from inference_image_operator.kube.observe import from_object
from tests.support.world import SPEC
sys.setswitchinterval(1e-6)
meta = {"name": "n", "namespace": "s", "uid": "u"}
at_once = threading.Barrier(8)
def reads():
    at_once.wait()
    from_object({"metadata": meta, "spec": SPEC, "status": {"observedGeneration": -1}})
def first_reads():
    threads = [threading.Thread(target=reads) for _ in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
ended = []
for _ in range(16):  # one import serves all: a copy of this process has read nothing either
    copy = os.fork()
    if not copy:
        first_reads()
        os._exit(0)
    ended.append(os.waitpid(copy, 0)[1])
print(ended)
"""


def test_two_threads_may_read_the_first_objects_at_once():
    """Without the early decoders, about every second process ends with a segmentation fault."""
    done = subprocess.run([sys.executable, "-c", READS], capture_output=True, text=True, check=True)
    assert done.stdout == f"{[0] * 16}\n"

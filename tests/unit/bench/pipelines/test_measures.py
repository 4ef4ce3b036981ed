"""The measurements of the benchmarks: proc(5), the audit log, the baseline's Jobs, durations of runs."""

import json
import os

from bench.pipelines import argo, plain
from bench.pipelines.audit import WriteCounter
from bench.pipelines.timing import Run
from bench.usage import parse, usage

STAT = "42 (python (3) x) S " + " ".join(str(number) for number in range(4, 53))
STATUS = "Name:\tpython\nVmPeak:\t 9 kB\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n"


def test_cpu_is_user_and_system_time_whatever_the_name_of_the_program():
    found = parse(STAT, STATUS)
    assert found.cpu_seconds == (14 + 15) / os.sysconf("SC_CLK_TCK")


def test_memory_is_in_bytes():
    found = parse(STAT, STATUS)
    assert (found.resident_bytes, found.peak_bytes) == (1 << 20, 2 << 20)


def test_a_real_process_has_used_cpu_and_memory():
    found = usage(os.getpid())
    assert found.cpu_seconds > 0
    assert 0 < found.resident_bytes <= found.peak_bytes


def event(user, verb, resource, subresource=None):
    target = {"resource": resource} | ({"subresource": subresource} if subresource else {})
    return json.dumps({"user": {"username": user}, "verb": verb, "objectRef": target}) + "\n"


def test_each_write_of_this_user_after_the_start_is_counted_once(tmp_path):
    log = tmp_path / "audit.log"
    log.write_text(event("me", "create", "jobs"))
    counter = WriteCounter(log, "me")
    with log.open("a") as file:
        file.write(event("me", "patch", "inferenceimages", "status"))
        file.write(event("me", "list", "jobs"))
        file.write(event("somebody", "create", "jobs"))
        file.write(event("somebody", "create", "me"))
        half = event("me", "create", "events")
        file.write(half[:20])
    assert counter.count() == {"patch inferenceimages/status": 1}
    with log.open("a") as file:
        file.write(half[20:])
    assert counter.count() == {"create events": 1}
    assert counter.count() == {}


def test_the_baseline_creates_the_operators_own_jobs_in_their_order():
    found = plain.manifests()
    stages = [manifest["metadata"]["labels"]["uai.ucloud.cn/stage"] for manifest in found]
    assert stages == ["Resolve", "Export", "Build", "Test", "Publish"]
    assert [manifest["metadata"]["labels"][plain.STAGE] for manifest in found] == ["0", "1", "2", "3", "4"]


def test_the_baselines_jobs_have_no_owner_so_that_the_garbage_collector_keeps_them():
    assert not any("ownerReferences" in manifest["metadata"] for manifest in plain.manifests())


def test_a_workflow_has_one_sequential_step_per_stage():
    steps = argo.workflow("w")["spec"]["templates"][0]["steps"]
    assert [len(parallel) for parallel in steps] == [1] * len(plain.manifests())


def test_a_run_lasts_from_its_first_start_to_its_last_end():
    run = Run(started={"a": 1.0, "b": 2.0}, ended={"b": 5.0, "a": 9.0})
    assert run.total == 8
    assert sorted(run.durations) == [3, 8]

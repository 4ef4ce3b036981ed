"""The rows of a run: what each moment between the request and Ready went into."""

import pytest

from bench.latency.rows import Container, Kind, Pod, Row, Timeline, largest, timeline
from inference_image_contract.clock import Took


def build():
    """A Build pod whose Job was there at 101: `assemble` ends at 104, `report` at 106.5."""
    assemble = Container("assemble", {"Pulling": 102.0, "Pulled": 103.0, "Created": 103.2, "Started": 103.3})
    assemble.took, assemble.said, assemble.finished = Took(0.5, 0.1, 0.4), 104.0, 104.0
    report = Container("report", {"Pulled": 105.0, "Created": 105.1, "Started": 105.2})
    report.took, report.said, report.finished, report.told = Took(0.1, 0.2, 1.0), 106.5, 106.0, 106.8
    return Pod("Build", 101.0, 101.2, 101.3, 107.0, 107.0, [assemble, report])


def of(rows, name):
    return [(row.kind, round(row.start, 3), round(row.end, 3)) for row in rows if row.name == name]


def test_a_pod_becomes_rows_without_a_gap():
    found = timeline([build()], 100.0, 107.5, "the operator")
    assert of(found.rows, "Build: Job") == [
        (Kind.REPORTING, 100.0, 101.0),
        (Kind.SCHEDULING, 101.0, 101.2),
        (Kind.SCHEDULING, 101.2, 101.3),
        (Kind.CONTAINER_START, 101.3, 102.0),
    ]
    assert of(found.rows, "Build: report") == [
        (Kind.CONTAINER_START, 105.0, 105.2),
        (Kind.INTERPRETER, 105.2, 105.3),
        (Kind.IMPORTS, 105.3, 105.5),
        (Kind.WORK, 105.5, 106.5),
        (Kind.REPORTING, 106.5, 106.8),
        (Kind.REPORTING, 106.8, 107.0),
    ]
    assert of(found.rows, "Ready") == [(Kind.REPORTING, 107.0, 107.5)]


def test_the_program_of_a_container_starts_after_the_kubelet_created_it():
    """The kernel's start of the process is that of the runtime, which waits until the kubelet starts the container."""
    assert of(timeline([build()], 100.0, 107.5, "x").rows, "Build: assemble") == [
        (Kind.PULLING, 102.0, 103.0),
        (Kind.CONTAINER_START, 103.0, 103.2),
        (Kind.INTERPRETER, 103.2, 103.5),
        (Kind.IMPORTS, 103.5, 103.6),
        (Kind.WORK, 103.6, 104.0),
        (Kind.REPORTING, 104.0, 105.0),
    ]


def test_a_sidecar_works_until_the_last_step_ends_and_delays_nobody():
    image = Container("image", {"Pulled": 102.0, "Created": 102.1, "Started": 102.2}, finished=109.0)
    probe = Container("probe", {"Pulled": 102.3, "Created": 102.4, "Started": 102.5}, Took(0.1, 0.1, 4.0), 107.0, 107.0)
    found = timeline([Pod("Test", 101.0, 101.2, 101.3, 109.5, 109.5, [image, probe])], 100.0, 110.0, "x")
    assert of(found.rows, "Test: image")[-2:] == [(Kind.WORK, 102.2, 107.0), (Kind.REPORTING, 102.2, 102.3)]
    assert of(found.rows, "Test: probe")[-1] == (Kind.REPORTING, 107.0, 109.5)


def test_the_next_job_comes_when_a_pod_is_done_and_the_end_when_the_last_has_succeeded():
    probe = Container("probe", {"Pulled": 102.0, "Created": 102.1, "Started": 102.2}, finished=104.0, told=104.5)
    test = Pod("Test", 101.0, 101.2, 101.3, 104.5, 108.0, [probe])
    publish = Pod("Publish", 104.7, 104.8, 104.9, 108.5, 109.5, [probe])
    found = timeline([test, publish], 100.0, 109.6, "x")
    assert of(found.rows, "Test: probe")[-1] == (Kind.REPORTING, 104.5, 108.0)
    assert of(found.rows, "Publish: Job")[0] == (Kind.REPORTING, 104.5, 104.7)
    assert of(found.rows, "Ready") == [(Kind.REPORTING, 109.5, 109.6)]


def test_a_program_of_others_works_from_its_start_to_its_end():
    kaniko = Container("kaniko", {"Pulled": 102.0, "Created": 102.1, "Started": 102.2}, finished=105.0)
    found = timeline([Pod("Build", 101.0, 101.2, 101.3, 106.0, 106.0, [kaniko])], 100.0, 107.0, "x")
    assert of(found.rows, "Build: kaniko")[1:] == [(Kind.WORK, 102.2, 105.0), (Kind.REPORTING, 105.0, 106.0)]


def test_the_shares_sum_up_and_work_counts_first():
    rows = [
        Row("a", "", 1.0, 4.0, Kind.WORK),
        Row("b", "", 3.0, 6.0, Kind.PULLING),
        Row("c", "", 5.0, 9.0, Kind.SCHEDULING),
    ]
    found = Timeline(rows, 0.0, 10.0)
    assert found.shares == pytest.approx(
        dict.fromkeys(Kind, 0.0) | {Kind.WORK: 3.0, Kind.PULLING: 2.0, Kind.SCHEDULING: 3.0, Kind.REPORTING: 2.0}
    )
    assert sum(found.shares.values()) == pytest.approx(found.seconds)


def test_the_largest_rows_are_those_that_are_not_work():
    rows = timeline([build()], 100.0, 107.5, "x").rows
    assert [row.kind for row in largest(rows)[:3]] == [Kind.REPORTING, Kind.PULLING, Kind.REPORTING]

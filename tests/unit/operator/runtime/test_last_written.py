"""When the next reconcile may take what the operator's last write left, and when it has to read the object."""

import pytest

from inference_image_operator.runtime.last_written import MAX_BYTES, LastWritten, Left

KEY, OTHER = ("space", "detector"), ("space", "other")
JOBS = frozenset({"build", "export"})


def image(version: str = "7", **meta: object) -> dict:
    return {"metadata": {"name": "detector", "resourceVersion": version, **meta}, "status": {"observedGeneration": 1}}


@pytest.fixture
def written() -> LastWritten:
    """A reconcile has begun, and has written version 7."""
    found = LastWritten()
    found.take(KEY)
    found.keep(KEY, image(), JOBS)
    return found


def test_what_a_write_left_is_taken_once(written):
    assert written.take(OTHER) is None
    assert written.take(KEY) == Left(image(), JOBS)
    assert written.take(KEY) is None


def test_the_event_of_the_write_itself_changes_nothing(written):
    written.saw(KEY, "7")
    written.saw(OTHER, "8")
    assert written.take(KEY) == Left(image(), JOBS)


@pytest.mark.parametrize("version", ["6", "8"])
def test_after_the_event_of_another_version_the_object_is_read(written, version):
    written.saw(KEY, version)
    assert written.take(KEY) is None


def test_an_event_that_overtakes_the_answer_to_the_write_counts(written):
    written.take(KEY)
    written.saw(KEY, "9")
    written.keep(KEY, image("8"), JOBS)
    assert written.take(KEY) is None


def test_the_write_may_be_seen_before_its_answer_arrives(written):
    written.take(KEY)
    written.saw(KEY, "8")
    written.keep(KEY, image("8"), JOBS)
    assert written.take(KEY) == Left(image("8"), JOBS)


def test_an_object_without_work_is_forgotten(written):
    written.forget(KEY)
    assert written.take(KEY) is None


def test_field_managers_are_left_out(written):
    written.keep(KEY, image(managedFields=[{"manager": "x"}]), JOBS)
    assert written.take(KEY) == Left(image(), JOBS)


@pytest.mark.parametrize("answer", [{}, image(annotations={"large": "x" * MAX_BYTES})], ids=["empty", "large"])
def test_an_answer_that_is_empty_or_large_is_not_kept(answer):
    written = LastWritten()
    written.take(KEY)
    written.keep(KEY, answer, JOBS)
    assert written.take(KEY) is None


@pytest.mark.parametrize("before_the_answer", [False, True])
def test_a_job_that_has_ended_need_not_be_asked_for(written, before_the_answer):
    if before_the_answer:
        written.take(KEY)
    written.saw_job(KEY, "export", True)
    written.saw_job(KEY, "build", False)
    if before_the_answer:
        written.keep(KEY, image(), JOBS)
    assert written.take(KEY) == Left(image(), frozenset({"build"}))


@pytest.mark.parametrize("before_the_answer", [False, True])
def test_after_a_job_that_should_not_be_there_the_jobs_are_listed(written, before_the_answer):
    if before_the_answer:
        written.take(KEY)
    written.saw_job(KEY, "late", False)
    if before_the_answer:
        written.keep(KEY, image(), JOBS)
    assert written.take(KEY) is None


def test_jobs_before_a_reconcile_do_not_count(written):
    written.saw_job(OTHER, "late", False)
    written.saw_job(KEY, "late", True)
    assert written.take(KEY) == Left(image(), JOBS)
    written.saw_job(KEY, "late", False)
    written.take(KEY)
    written.keep(KEY, image(), JOBS)
    assert written.take(KEY) == Left(image(), JOBS)

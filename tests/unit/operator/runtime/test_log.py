"""Every line of the log names its object, as text and as JSON."""

import asyncio
import io
import json
import logging

import pytest

from inference_image_operator.kube.connection import ApiError
from inference_image_operator.runtime.log import about, bind, formatter, object_fields
from inference_image_operator.runtime.queue import Queue

FIELDS = {"namespace": "space", "object": "detector", "stage": "Build", "job": "detector-build-1"}


@pytest.fixture(params=["text", "json"])
def kind(request) -> str:
    return request.param


@pytest.fixture
def lines(kind, monkeypatch):
    """A handler at the root logger, and the lines that it has written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(kind))
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [handler])
    monkeypatch.setattr(root, "level", logging.INFO)
    return lambda: stream.getvalue().splitlines()


def fields(line: str, kind: str) -> dict:
    if kind == "json":
        return json.loads(line)
    return dict(part.split("=", 1) for part in line.split(" ") if "=" in part)


def test_a_line_has_time_level_text_and_the_objects_fields(lines, kind):
    with about(object_fields(("space", "detector"))):
        bind(stage="Build", job="detector-build-1")
        logging.getLogger("a.b").info("created")
    (line,) = lines()
    found = fields(line, kind)
    assert found.pop("timestamp").endswith("Z")
    assert found == {"level": "info", "event": "created", "logger": "a.b", **FIELDS}


def test_fields_end_with_their_block(lines, kind):
    with about({"object": "detector"}):
        bind(job="j")
    logging.getLogger("x").info("resync")
    assert fields(lines()[0], kind).keys() == {"timestamp", "level", "event", "logger"}


def test_arguments_extras_and_exceptions_are_in_the_line(lines, kind):
    try:
        int("boom\nsecond line")
    except ValueError:
        logging.getLogger("kopf").exception("failed %d times", 3, extra={"more": "1"})
    (line,) = lines()
    assert "failed 3 times" in line
    assert "second line" in line
    assert '"more": "1"' in line or "more=1" in line


@pytest.mark.parametrize("error", [ApiError(500, "Boom", "broken"), ValueError("wrong")])
async def test_a_reconcile_that_fails_names_its_object_stage_and_job(lines, kind, error):
    async def work(key):
        bind(stage="Build", job="detector-build-1")
        raise error

    queue = Queue(work, 1, object_fields)
    queue.add(("space", "detector"))
    task = asyncio.create_task(queue.run())
    async with asyncio.timeout(20):
        while not lines():
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert "reconcile failed" in lines()[0]
    assert FIELDS.items() <= fields(lines()[0], kind).items()

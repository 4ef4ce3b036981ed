"""How requests are gathered for the model: how long they wait, in which order they go, and who hears of a failure."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from inference_server.batching import Batcher, Failed, outcomes, pause
from inference_server.config import Batching

DEADLINE = 10
SECOND = Batching(max_size=4, max_delay=1.0)


@pytest.mark.parametrize(
    ("waiting", "expected", "waited", "seconds"),
    [
        (1, 1, 0.0, 0.0),
        (1, 2, 0.0, 0.0),
        (1, 3, 0.0, 1.0),
        (2, 5, 0.25, 0.75),
        (2, 4, 0.0, 0.0),
        (4, 99, 0.0, 0.0),
        (1, 99, 1.5, 0.0),
    ],
    ids=[
        "one client",
        "two in turn",
        "one more",
        "the rest of the delay",
        "half are there",
        "it is full",
        "it is late",
    ],
)
def test_how_long_a_batch_waits_for_company(waiting, expected, waited, seconds):
    assert pause(waiting, expected, waited, SECOND) == seconds


class Recorder:
    """A model that notes its batches and answers each body with itself; a gate holds the first of them."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.inside = threading.Event()
        self.go_on = threading.Event()
        self.threads: set[int] = set()

    def load_model(self) -> None:
        pass

    def execute(self, data: Sequence[bytes], batch_size: int) -> Sequence[object]:
        assert len(data) == batch_size
        self.batches.append(list(data))
        self.threads.add(threading.get_ident())
        self.inside.set()
        assert self.go_on.wait(DEADLINE)
        return [body.decode() for body in data]


def test_what_comes_while_the_model_works_goes_together_in_order():
    model, seen = Recorder(), []
    batcher = Batcher(model, Batching(max_size=4, max_delay=0), lambda size, _: seen.append(size))
    with ThreadPoolExecutor(8) as clients:
        answers = [clients.submit(batcher.ask, b"first")]
        assert model.inside.wait(DEADLINE)
        for number in range(6):
            answers.append(clients.submit(batcher.ask, b"%d" % number))
            wait_until(lambda number=number: batcher.length == number + 1)
        model.go_on.set()
        assert [one.result(DEADLINE) for one in answers] == ["first", *"012345"]
    assert model.batches == [[b"first"], [b"0", b"1", b"2", b"3"], [b"4", b"5"]]
    assert seen == [1, 4, 2]
    assert len(model.threads) == 1
    assert batcher.length == 0


def test_half_of_the_clients_that_asked_lately_are_waited_for():
    model = Recorder()
    model.go_on.set()
    batcher = Batcher(model, Batching(max_size=8, max_delay=DEADLINE), lambda *_: None)
    batcher._expected = 6
    with ThreadPoolExecutor(3) as clients:
        assert sorted(clients.map(batcher.ask, [b"a", b"b", b"c"], timeout=DEADLINE)) == ["a", "b", "c"]
    assert [len(batch) for batch in model.batches] == [3]


class Fragile(Recorder):
    """A model that some bodies break, and with them everything that is in the batch."""

    def execute(self, data: Sequence[bytes], batch_size: int) -> Sequence[object]:
        assert len(data) == batch_size
        self.batches.append(list(data))
        if b"poison" in data:
            raise SystemExit("poisoned")
        return [body.decode() for body in data][: 1 if b"short" in data else None]


def test_a_body_that_breaks_the_model_costs_the_others_no_answer():
    model = Fragile()
    first, second, third = outcomes(model, [b"a", b"poison", b"b"])
    assert (first, third) == ("a", "b")
    assert isinstance(second, Failed)
    assert str(second.error) == "poisoned"
    assert model.batches[1:] == [[b"a"], [b"poison"], [b"b"]]


def test_a_model_that_answers_too_little_has_failed_on_all():
    results = outcomes(Fragile(), [b"short", b"b"])
    assert [str(one.error) for one in results] == ["execute returned 1 results for 2 requests"] * 2


def wait_until(condition) -> None:
    """Returns once the condition holds."""
    ticks = threading.Event()
    for _ in range(DEADLINE * 1000):
        if condition():
            return
        ticks.wait(0.001)
    pytest.fail(f"not so within {DEADLINE} s")

"""Batching: how long requests wait, their order, and who gets an error."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from inference_server.batching import Batcher, Failed, outcomes, pause
from inference_server.config import Batching

DEADLINE = 60
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
        "half have arrived",
        "it is full",
        "it is late",
    ],
)
def test_how_long_a_batch_waits_for_more_requests(waiting, expected, waited, seconds):
    assert pause(waiting, expected, waited, SECOND) == seconds


class Recorder:
    """A model that records its batches and echoes each body; a gate blocks the first batch."""

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


def test_requests_that_arrive_during_a_run_form_the_next_batch_in_order():
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
    assert len(model.threads) == 2
    assert batcher.length == 0


def test_a_single_client_runs_the_model_in_its_own_thread():
    model = Recorder()
    model.go_on.set()
    batcher = Batcher(model, Batching(max_delay=DEADLINE), lambda *_: None)
    assert [batcher.ask(b"a"), batcher.ask(b"b")] == ["a", "b"]
    assert model.threads == {threading.get_ident()}


def test_a_model_that_fails_in_the_thread_of_a_single_client_can_be_asked_again():
    batcher = Batcher(Fragile(), Batching(), lambda *_: None)
    with pytest.raises(SystemExit, match="poisoned"):
        batcher.ask(b"poison")
    assert batcher.ask(b"a") == "a"


def test_the_model_runs_once_at_a_time():
    model = Recorder()
    batcher = Batcher(model, Batching(max_size=1), lambda *_: None)
    with ThreadPoolExecutor(2) as clients:
        first = clients.submit(batcher.ask, b"first")
        assert model.inside.wait(DEADLINE)
        second = clients.submit(batcher.ask, b"second")
        wait_until(lambda: batcher.length == 1)
        assert model.batches == [[b"first"]]
        model.go_on.set()
        assert [first.result(DEADLINE), second.result(DEADLINE)] == ["first", "second"]
    assert model.batches == [[b"first"], [b"second"]]


def test_a_batch_waits_for_half_of_the_recent_clients():
    model = Recorder()
    model.go_on.set()
    batcher = Batcher(model, Batching(max_size=8, max_delay=DEADLINE), lambda *_: None)
    batcher._expected = 6
    with ThreadPoolExecutor(3) as clients:
        assert sorted(clients.map(batcher.ask, [b"a", b"b", b"c"], timeout=DEADLINE)) == ["a", "b", "c"]
    assert [len(batch) for batch in model.batches] == [3]


class Fragile(Recorder):
    """A model that fails on some bodies, and on every batch with such a body."""

    def execute(self, data: Sequence[bytes], batch_size: int) -> Sequence[object]:
        assert len(data) == batch_size
        self.batches.append(list(data))
        if b"poison" in data:
            raise SystemExit("poisoned")
        return [body.decode() for body in data][: 1 if b"short" in data else None]


def test_a_bad_body_does_not_cost_the_others_their_answers():
    model = Fragile()
    first, second, third = outcomes(model, [b"a", b"poison", b"b"])
    assert (first, third) == ("a", "b")
    assert isinstance(second, Failed)
    assert str(second.error) == "poisoned"
    assert model.batches[1:] == [[b"a"], [b"poison"], [b"b"]]


def test_a_model_with_too_few_results_fails_on_all():
    results = outcomes(Fragile(), [b"short", b"b"])
    assert [str(one.error) for one in results] == ["execute returned 1 results for 2 requests"] * 2


def wait_until(condition) -> None:
    """Returns once the condition holds."""
    ticks = threading.Event()
    for _ in range(DEADLINE * 1000):
        if condition():
            return
        ticks.wait(0.001)
    pytest.fail(f"not true within {DEADLINE} s")

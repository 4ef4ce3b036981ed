"""Admission control: limits and draining."""

import threading

import pytest

from inference_server.admission import Admission, Refused

DEADLINE = 60


def test_every_slot_can_be_taken_and_one_more_request_is_rejected():
    admission = Admission(2)
    with admission.place(1), admission.place(1), pytest.raises(Refused, match="queue is full: 2 requests"):
        admission.place(1).__enter__()


def test_an_error_frees_the_slot():
    admission = Admission(1)
    with pytest.raises(ZeroDivisionError), admission.place(1):
        raise ZeroDivisionError
    with admission.place(1):
        pass


def test_bodies_share_the_byte_limit():
    admission = Admission(8, max_bytes=100)
    with admission.place(60), admission.place(40), pytest.raises(Refused, match="2 requests fill its 100 bytes"):
        admission.place(1).__enter__()
    with admission.place(100):
        pass


def test_closed_admission_stays_closed():
    admission = Admission(8)
    admission.close()
    assert admission.closed
    with pytest.raises(Refused, match="the server is stopping"):
        admission.place(1).__enter__()


def test_draining_ends_with_the_last_request():
    admission = Admission(8)
    inside = admission.place(1)
    inside.__enter__()
    assert not admission.wait_until_empty(0)
    emptied: list[bool] = []
    waiter = threading.Thread(target=lambda: emptied.append(admission.wait_until_empty(DEADLINE)))
    waiter.start()
    inside.__exit__(None, None, None)
    waiter.join(DEADLINE)
    assert emptied == [True]

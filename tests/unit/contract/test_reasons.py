"""Each reason: its name, its class, and the exit code of a container that ends with it."""

import pytest

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import ExitCode, Reason, ReasonClass


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_a_camel_case_word(reason: Reason) -> None:
    assert f"{reason}" == reason.value == reason
    assert reason.value.isalnum()
    assert reason.value[0].isupper()
    assert reason.name == reason.name.upper()


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.exit_code is not None])
def test_the_exit_code_carries_the_class(reason: Reason) -> None:
    if reason is Reason.OUT_OF_MEMORY:  # the operator retries it with more memory
        assert (reason.kind, reason.exit_code) == (ReasonClass.RETRY, ExitCode.BAD_INPUT)
    else:
        assert reason.kind is reason.exit_code.kind


def test_the_exit_codes_stay() -> None:
    """The values are the wire form between a Job and an operator of another version."""
    codes = {"UFileForbidden": 12, "ObjectNotFound": 11, "ObjectRestoring": 16, "SourceChanged": 14}
    codes |= {"RegistryUnavailable": 13, "InternalError": 15, "OutOfMemory": 10, "ClassCountMismatch": 10}
    assert {text: Reason.of(text).exit_code for text in codes} == codes


def test_an_unknown_reason_is_an_internal_error() -> None:
    assert Reason.of("PodLost") is Reason.POD_LOST
    assert Reason.of("OfALaterVersion") is Reason.INTERNAL_ERROR
    assert Reason.of("") is Reason.INTERNAL_ERROR


def test_a_step_that_reports_a_reason_of_the_operator_is_a_defect() -> None:
    assert StageError(Reason.POD_LOST, "It is lost.", "Nothing.").exit_code is ExitCode.INTERNAL

"""How messages and hints become one text."""

import pytest

from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN, explanation, sentence, with_polls
from inference_image_contract.reasons import Reason


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("the checksum does not match", "the checksum does not match. Upload it."),
        ("It is gone.", "It is gone. Upload it."),
        ("Really?", "Really? Upload it."),
        ("cut…", "cut… Upload it."),
    ],
)
def test_a_full_stop_separates_message_and_hint(message, text):
    assert explanation(message, "Upload it.") == text


def test_a_message_without_a_hint_stays_as_it_is():
    assert explanation("waiting", "") == "waiting"
    assert sentence("") == ""


def test_every_error_of_a_stage_is_a_sentence():
    error = StageError(Reason.EXPORT_FAILED, "it failed", "Try again.")
    assert (error.message, str(error)) == ("it failed.", "ExportFailed: it failed.")


def test_with_polls_nobody_has_to_ask_again():
    assert with_polls(f"Upload it, {REQUEST_AGAIN}") == "Upload it, then wait for the next poll."
    assert with_polls("Set spec.a.") == "Set spec.a."

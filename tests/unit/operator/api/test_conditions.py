"""Conditions: types, transition times, length of messages, order."""

from datetime import timedelta

import pytest

from inference_image_contract.hints import explanation
from inference_image_contract.reasons import Reason
from inference_image_operator.api import Condition, Status
from inference_image_operator.api.conditions import Editor, Type, find, owned
from inference_image_operator.api.stages import Stage
from tests.support.world import START


def test_the_names_of_stages_and_conditions_are_api():
    assert [(stage.value, stage.condition.value, stage.working) for stage in Stage] == [
        ("Resolve", "Resolved", "Resolving"),
        ("Export", "Exported", "Exporting"),
        ("Build", "Built", "Building"),
        ("Test", "Tested", "Testing"),
        ("Publish", "Published", "Publishing"),
    ]
    assert [kind.value for kind in Type] == [
        "Ready", "Resolved", "Exported", "Built", "Tested", "Published", "Reconciling", "Stalled", "Suspended",
        "Pinned", "PollFailed", "TagLost", "RolledOut",
    ]  # fmt: skip


THEN = START - timedelta(days=1)
OLD = Condition(type="Ready", status="True", reason="Old", message="o", last_transition_time=THEN)


@pytest.mark.parametrize(("status", "since"), [("True", THEN), ("False", START)])
def test_a_transition_time_changes_only_with_the_status(status, since):
    editor = Editor(Status(conditions=(OLD,)), 7, START)
    editor.set(Type.READY, status, Reason.PUBLISHED, "text")
    assert editor.all == (
        Condition(
            type="Ready",
            status=status,
            reason="Published",
            message="text",
            last_transition_time=since,
            observed_generation=7,
        ),
    )


@pytest.mark.parametrize(("length", "kept", "end"), [(1024, 1024, "x"), (1025, 1024, "…")])
def test_a_long_message_is_cut(length, kept, end):
    editor = Editor(Status(), 1, START)
    editor.set(Type.READY, "True", Reason.PUBLISHED, "x" * length)
    message = editor.all[0].message
    assert (len(message), message[-1], message[-2]) == (kept, end, "x")
    assert editor.all[0].last_transition_time == START


def test_conditions_of_other_controllers_are_ignored_and_ours_are_sorted():
    foreign = Condition(type="Foreign", status="True", reason="R", message="", last_transition_time=THEN)
    stalled = Condition(type="Stalled", status="True", reason="R", message="", last_transition_time=THEN)
    assert owned((stalled, foreign, OLD)) == (OLD, stalled)
    editor = Editor(Status(conditions=(stalled, foreign, OLD)), 1, START)
    editor.drop(Type.STALLED, Type.SUSPENDED)
    assert editor.all == (OLD,)
    assert find((stalled, OLD), Type.READY) is OLD
    assert find((stalled,), Type.READY) is None


@pytest.mark.parametrize(
    ("message", "hint", "text"),
    [
        ("It fails.", "Fix it.", "It fails. Fix it."),
        ("really?", "Fix it.", "really? Fix it."),
        ("boom!", "Fix it.", "boom! Fix it."),
        ("EOF", "Fix it.", "EOF. Fix it."),
        ("EOF", "", "EOF"),
    ],
)
def test_a_full_stop_separates_message_and_hint(message, hint, text):
    assert explanation(message, hint) == text

"""Names to the last character, conditions to the last field."""

from hashlib import sha256

import pytest

from inference_image_operator.api import Condition, Status
from inference_image_operator.api.conditions import Editor, Type, find, owned
from inference_image_operator.api.names import content_tag, digest, event_name, job_name
from inference_image_operator.api.stages import Stage
from tests.support.world import START


@pytest.mark.parametrize(
    ("owner", "kept"),
    [("x" * 60, "x" * 45), ("x" * 45, "x" * 45), ("x" * 43 + "-." + "y" * 9, "x" * 43), ("a.b", "a.b")],
)
def test_a_long_owner_is_cut_at_63_characters_and_never_ends_in_a_hyphen_or_dot(owner, kept):
    name = job_name(owner, "uid", "Export", "sha256:1", 1)
    assert name == f"{kept}-export-{digest('uid', 'Export', 'sha256:1', 1)[7:17]}"


def test_a_digest_is_of_sorted_json():
    assert digest("a", {"b": 1, "a": 2}) == "sha256:" + sha256(b'["a",{"a":2,"b":1}]').hexdigest()


def test_an_event_name_is_the_owner_and_twenty_digits():
    assert event_name("o" * 300, "uid", "a") == "o" * 200 + "." + digest("uid", "a")[7:27]


def test_a_content_tag_carries_the_whole_hash():
    assert content_tag("sha256:" + "a" * 64) == "content-" + "a" * 64


def test_the_names_of_stages_and_conditions_are_api():
    assert [(stage.value, stage.condition.value, stage.working) for stage in Stage] == [
        ("Resolve", "Resolved", "Resolving"),
        ("Export", "Exported", "Exporting"),
        ("Build", "Built", "Building"),
        ("Test", "Tested", "Testing"),
    ]
    assert [kind.value for kind in Type] == [
        "Ready", "Resolved", "Exported", "Built", "Tested", "Reconciling", "Stalled", "Suspended", "PollFailed",
    ]  # fmt: skip


OLD = Condition(type="Ready", status="True", reason="Old", message="o", last_transition_time="then")
NOW = "2026-01-31T09:30:00Z"


@pytest.mark.parametrize(("status", "since"), [("True", "then"), ("False", NOW)])
def test_a_transition_time_moves_with_the_status_alone(status, since):
    editor = Editor(Status(conditions=(OLD,)), 7, START)
    editor.set(Type.READY, status, "New", "text")
    assert editor.all == (
        Condition(
            type="Ready", status=status, reason="New", message="text", last_transition_time=since, observed_generation=7
        ),
    )


@pytest.mark.parametrize(("length", "kept", "end"), [(1024, 1024, "x"), (1025, 1024, "…")])
def test_a_long_message_is_cut(length, kept, end):
    editor = Editor(Status(), 1, START)
    editor.set(Type.READY, "True", "R", "x" * length)
    message = editor.all[0].message
    assert (len(message), message[-1], message[-2]) == (kept, end, "x")
    assert editor.all[0].last_transition_time == NOW


def test_conditions_of_others_are_left_to_them_and_ours_keep_an_order():
    foreign = Condition(type="Foreign", status="True", reason="R", message="", last_transition_time="t")
    stalled = Condition(type="Stalled", status="True", reason="R", message="", last_transition_time="t")
    assert owned((stalled, foreign, OLD)) == (OLD, stalled)
    editor = Editor(Status(conditions=(stalled, foreign, OLD)), 1, START)
    editor.drop(Type.STALLED, Type.SUSPENDED)
    assert editor.all == (OLD,)
    assert find((stalled, OLD), Type.READY) is OLD
    assert find((stalled,), Type.READY) is None

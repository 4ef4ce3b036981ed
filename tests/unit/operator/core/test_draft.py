"""The draft of a decision."""

from typing import get_type_hints

from inference_image_operator.api import Status
from inference_image_operator.core.draft import StatusChanges


def test_a_draft_changes_every_field_of_the_status_but_the_conditions():
    fields = get_type_hints(Status, include_extras=True)
    assert get_type_hints(StatusChanges, include_extras=True) == {
        name: kind for name, kind in fields.items() if name != "conditions"
    }

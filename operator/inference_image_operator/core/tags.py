"""The tags of a published image that another object has moved since: its own object says so."""

from inference_image_contract.hints import ANNOTATE, explanation
from inference_image_contract.reasons import Reason
from inference_image_operator.api.conditions import Type, cut, find
from inference_image_operator.core.draft import Draft
from inference_image_operator.observed import Observed

_SHOWN = 5
_HINT = (
    "This object's own image is still available under status.image.reference. To keep both, give each object its own "
    f"tags; to take the tags back, {ANNOTATE}."
)


def is_news(observed: Observed) -> bool:
    """Whether the status does not tell yet which tags are lost."""
    found = find(observed.status.conditions, Type.TAG_LOST)
    return bool(observed.lost_tags) and (found is None or found.message != _message(observed))


def tell(draft: Draft) -> None:
    """Says in a condition and an Event which tags are lost. The next publication takes them back."""
    if is_news(draft.observed):
        draft.conditions.set(Type.TAG_LOST, "True", Reason.TAG_TAKEN, _message(draft.observed))
        draft.emit(Reason.TAG_TAKEN, _message(draft.observed), warning=True)


def _message(observed: Observed) -> str:
    lost = observed.lost_tags
    texts = [f"{found.holder} moved the tag {found.tag} to {found.digest}." for found in lost[:_SHOWN]]
    if len(lost) > _SHOWN:
        texts.append(f"Other tags that were moved: {len(lost) - _SHOWN}.")
    return cut(explanation(" ".join(texts), _HINT))

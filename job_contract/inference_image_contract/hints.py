"""Words that several hints share, and how a message and its hint become one text."""

ANNOTATE = "set the annotation uai.ucloud.cn/requestedAt to a new value"
"""How a person asks for another run when nothing in the spec has to change."""
REQUEST_AGAIN = f"then {ANNOTATE}."
"""The end of a hint that first says what to fix."""
_NEXT_POLL = "then wait for the next poll."
_ENDS = (".", "!", "?", "…")


def with_polls(hint: str) -> str:
    """The hint for an object that polls: it finds fixed inputs by itself."""
    return hint.replace(REQUEST_AGAIN, _NEXT_POLL)


def sentence(text: str) -> str:
    """The text with a full stop, unless it ends like a sentence."""
    return text if not text or text.endswith(_ENDS) else f"{text}."


def explanation(message: str, hint: str) -> str:
    """Message and hint as one text."""
    return f"{sentence(message) if hint else message} {hint}".strip()

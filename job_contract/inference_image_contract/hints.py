"""The sentences that hints share, each spelled here alone, and how a message and its hint become one text."""

REQUESTED_AT = "uai.ucloud.cn/requestedAt"
"""The request annotation. A new value starts a run."""
ANNOTATE = f"set the annotation {REQUESTED_AT} to a new value"
"""How a person asks for another run when nothing in the spec has to change."""
REQUEST_AGAIN = f"then {ANNOTATE}."
"""The end of a hint that first says what to fix."""
TRIES_AGAIN = "The operator tries again."
"""Nothing has to be done: another attempt follows."""
CONTINUES = "The operator then continues by itself; you need not apply the object again."
"""The end of a hint that first says what keeps a pod from starting."""
RUNS_AGAIN = "The operator runs it again. It reuses what is already in US3 and in the registry."
"""The hint for a Job whose result is lost."""
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


GROUP_DIFFERS = "The group differs from Docker's"
"""How a check within a build says that the builder does not do what Docker does. The operator finds it in the log."""

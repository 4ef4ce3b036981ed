"""Words that several hints share."""

ANNOTATE = "set the annotation uai.ucloud.cn/requestedAt to a new value"
"""How a person asks for another run when nothing in the spec has to change."""
REQUEST_AGAIN = f"then {ANNOTATE}."
"""The end of a hint that first says what to fix."""

"""Words that several hints share."""

REQUEST_AGAIN = "then set the annotation uai.ucloud.cn/requestedAt to a new value."
"""How a person asks for another look when nothing in the spec has to change."""

"""Findings in a pipeline config, and the one failure that explains them."""

from collections.abc import Sequence
from typing import NamedTuple

from inference_image_build.pipeline_config import schema
from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.reasons import Reason

MAX_SHOWN = 5
"""Most findings in one message; a result must fit into a termination message."""

MAX_FINDINGS = 50
"""Most findings to collect; the search for similar names is slow."""

_MAX_WORDS = 400
_ORDER = (Reason.MODEL_UNSUPPORTED, Reason.PIPELINE_CONFIG_INVALID, Reason.PIPELINE_CONFIG_UNKNOWN_FIELD)
"""The most decisive reason first: fixing fields is useless if the model cannot be exported at all."""

_HINTS = {
    Reason.MODEL_UNSUPPORTED: f"The export builds models of {schema.RELEASE}: train a model of one of its types.",
    Reason.PIPELINE_CONFIG_INVALID: (
        f"Fix this, or use the pipeline.config that the training wrote; upload it, {REQUEST_AGAIN}"
    ),
    Reason.PIPELINE_CONFIG_UNKNOWN_FIELD: (
        f"The export reads the config with {schema.RELEASE}. Fix misspelt names; remove fields of newer releases "
        f"(under `model`, only those that the trained model does not need); upload the config, {REQUEST_AGAIN}"
    ),
}


class Finding(NamedTuple):
    """One thing that is wrong. `what` is a clause without a full stop; `line` and `column` count from 1."""

    reason: Reason
    line: int
    column: int
    what: str
    remedy: str = ""
    """A more specific hint than that of the reason; used if all findings have the same one."""


def failure(key: str, findings: Sequence[Finding]) -> StageError:
    """The failure with the findings of the most decisive reason, in the order of the text.

    `key` is the config's; `findings` is not empty.
    """
    reason = min((finding.reason for finding in findings), key=_ORDER.index)
    decisive = sorted((finding for finding in findings if finding.reason == reason), key=lambda it: it[1:3])
    shown = [f"{key}, line {_sentence(decisive[0])}"]
    shown += [f"Line {_sentence(finding)}" for finding in decisive[1:MAX_SHOWN]]
    if len(decisive) > MAX_SHOWN:
        shown.append(f"And {len(decisive) - MAX_SHOWN if len(findings) < MAX_FINDINGS else 'many'} more.")
    remedies = {finding.remedy for finding in decisive}
    hint = remedies.pop() if len(remedies) == 1 else ""
    return StageError(reason, " ".join(shown), hint or _HINTS[reason])


def _sentence(finding: Finding) -> str:
    what = " ".join(finding.what.split())
    if len(what) > _MAX_WORDS:
        what = what[: _MAX_WORDS - 1] + "…"
    return f"{finding.line}, column {finding.column}: {what}{'' if what.endswith(('?', '…')) else '.'}"

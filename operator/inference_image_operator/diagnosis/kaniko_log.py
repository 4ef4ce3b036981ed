"""Diagnoses a failure of Kaniko from the last lines of its log.

A RUN instruction can write any of it, so lines are cut before a pattern sees them, and no pattern reads a line twice.
"""

import re
from collections.abc import Sequence

from msgspec.structs import replace

from inference_image_contract import paths, uhub
from inference_image_contract.hints import GROUP_DIFFERS, REQUEST_AGAIN
from inference_image_contract.reasons import Reason
from inference_image_contract.registry_names import UHUB
from inference_image_operator.diagnosis.kaniko_rules import ANY, BUILD, DEPOT, NO_SPACE, PULL, PUSH, Rule
from inference_image_operator.observed import Frozen


class Diagnosis(Frozen, frozen=True, kw_only=True):
    """A failure of Kaniko: reason, message and hint."""

    reason: Reason
    message: str
    hint: str
    out_of_memory: bool = False
    """More memory may help."""


_BUILD_HINT = "Fix the Dockerfile or the files that it names, " + REQUEST_AGAIN + " See lastFailure.logTail."
_PUSHING = re.compile(r"error (?:pushing image|checking push permission)", re.IGNORECASE)
_WRAPPER = re.compile(
    r"(?:error|fatal)(?: building image| building stage| pushing image)?: "
    r"|error building stage: |failed to execute command: |parsing dockerfile: "
    r"|unable to complete operation after \d+ attempts, last error: "
    r"|error checking push permissions -- make sure you entered the correct tag name, and that you are "
    r"authenticated correctly, and try again: "
    r"|checking push permission for \"\S+\": |failed to push to destination \S+: ",
    re.IGNORECASE,
)
"""What Kaniko puts before a cause."""
_OWN_LINE = re.compile(r"^time=\"[^\"]*\" level=\w+ msg=\"(?P<said>.*)\"$")
_STATE = re.compile(r"\?_state=[^\s\":]+")
"""State of an upload, which a registry keeps in the URL."""
_OF_UHUB = re.compile(
    rf"https?://(?P<host>{'|'.join(map(re.escape, UHUB))})/v2/(?P<path>\S{{1,255}}?)/(?:blobs|manifests)/"
)
_NOT_MAPPED = "image not found on any configured mapped registries"
_FROM_DEPOT = f"from remapped registry {paths.DEPOT_HOST}:{paths.DEPOT_PORT}"
_MAX_DETAIL = 500
MAX_LINE = 1024
"""Characters of a line that patterns see. The longest line of the real Kaniko so far has 569."""


def diagnose(tail: str) -> Diagnosis:
    """The diagnosis of a log tail. If no rule matches, it is `BuildFailed` with Kaniko's own message."""
    lines = [line.strip()[:MAX_LINE] for line in tail.splitlines() if line.strip()]
    at = _error_line(lines)
    if lines and _NOT_MAPPED in lines[at]:  # the cause is in the warning before
        at = max((number for number in range(at) if _FROM_DEPOT in lines[number]), default=at)
    line = lines[at] if lines else ""
    detail = _detail(line)
    if "waiting for process to exit" in line:
        detail = _failed_run(lines[:at]) or detail
        if NO_SPACE.pattern.search(detail):
            return _diagnosis(NO_SPACE, {}, detail)
        if said := detail.partition(f"{GROUP_DIFFERS}: ")[2]:
            return _of_check(said)
    pushing = bool(_PUSHING.search(line))
    for rule in (*DEPOT, *BUILD, *(PUSH if pushing else PULL), *ANY):
        if (words := rule.match(line)) is not None:
            return _with_uhub_hint(_diagnosis(rule, words, detail), line, pushing=pushing)
    return Diagnosis(
        reason=Reason.BUILD_FAILED,
        message=f"Kaniko failed: {detail}" if detail else "Kaniko failed and printed nothing.",
        hint=_BUILD_HINT,
    )


def _of_check(said: str) -> Diagnosis:
    """The failure of a check that `assemble` wrote into the Dockerfile: what differs, and what to do."""
    what, _, remedy = said.partition(". ")
    return Diagnosis(
        reason=Reason.BUILDER_UNSUPPORTED,
        message=f"{GROUP_DIFFERS}: {what}.",
        hint=f"{remedy} Upload the corrected Dockerfile, {REQUEST_AGAIN}",
    )


def _diagnosis(rule: Rule, words: dict[str, str], detail: str) -> Diagnosis:
    words = {name: _relative(value) for name, value in words.items() if value}
    return Diagnosis(
        reason=rule.reason,
        message=f"{rule.sentence.format(**words)}: {_relative(detail)}",
        hint=rule.hint.format(**words),
        out_of_memory=rule.out_of_memory,
    )


def _with_uhub_hint(found: Diagnosis, line: str, *, pushing: bool) -> Diagnosis:
    """Puts the advice of UHub's documentation before the general hint, if the registry is UHub."""
    match = _OF_UHUB.search(line)
    if match is None:
        return found
    path, host = match["path"], match["host"]
    said = ""
    if found.reason == Reason.REPOSITORY_NOT_FOUND:
        said = uhub.create_repository(path)
    elif found.reason == Reason.REGISTRY_UNAUTHORIZED:
        said = f"{uhub.log_in()}. " + uhub.push(path, "" if host == UHUB[0] else UHUB[0]) if pushing else uhub.log_in()
    return replace(found, hint=f"{said}. {found.hint}") if said else found


def _relative(text: str) -> str:
    """Replaces absolute paths by paths relative to the build context, as the user knows them."""
    return text.replace(f"{paths.CONTEXT}/", "").replace(f"{paths.WORKSPACE}/", "../")


def _detail(line: str) -> str:
    """The line without the prefixes that Kaniko puts before a cause."""
    start = 0
    while wrapper := _WRAPPER.match(line, start):
        start = wrapper.end()
    return _STATE.sub("", line[start:])[:_MAX_DETAIL]


def _failed_run(lines: Sequence[str]) -> str:
    """The RUN instruction that failed, and the last line of its output; `lines` are those before the error."""
    own = [(found, _OWN_LINE.match(found)) for found in lines]
    runs = [match["said"] for _, match in own if match and match["said"].startswith("RUN ")]
    words = own[-1][0] if own and own[-1][1] is None else ""
    command = runs[-1].replace('\\"', '"')[:200] if runs else ""
    return ": ".join(part for part in (command, words[:300]) if part)


def _error_line(lines: Sequence[str]) -> int:
    """Where the cause is: the last line that begins with "error", else that contains it, else the last line.

    When Kaniko fails early, it prints `Error: ...` and then its usage, so the last line alone does not name the cause.
    """
    begins = [at for at, line in enumerate(lines) if re.match(r"error|fatal", line, re.IGNORECASE)]
    speaks = [at for at, line in enumerate(lines) if re.search(r"error|fatal|failed", line, re.IGNORECASE)]
    return (begins or speaks or [len(lines) - 1])[-1]

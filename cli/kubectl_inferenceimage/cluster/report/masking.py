"""Masks what looks like a secret, in objects and in text. Pure.

An object is masked value by value, by the names beside the values, before it becomes text; text by patterns: the
project's own (`inference_image_contract.redact`), and some that only a report needs.
"""

import json
import re
from collections.abc import Collection
from typing import Any

from inference_image_contract.redact import MASK, redact

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_SECRETS = frozenset(
    [
        "password",
        "passwd",
        "passphrase",
        "pass",
        "pwd",
        "pw",
        "secret",
        "secrets",
        "token",
        "credential",
        "credentials",
        "creds",
        "cred",
        "auth",
        "authorization",
        "apikey",
        "accesskey",
        "privatekey",
        "secretkey",
        "signature",
        "pat",
        "sas",
        "cookie",
    ]
)
_ABOUT_ONE = frozenset(
    ["name", "names", "ref", "refs", "host", "hosts", "path", "file", "policy", "keys", "count", "mode", "type"]
)
"""Last words of names whose value is about a secret, and not one itself: `secretName`, `tokenHosts`."""
_OPEN = frozenset({"topologyKey", "automountServiceAccountToken"})
_DROPPED = frozenset({"managedFields", "kubectl.kubernetes.io/last-applied-configuration"})
"""They repeat the rest in a form that is harder to mask."""
_NAMED = re.compile(r"""(?<![A-Za-z0-9_-])([A-Za-z][A-Za-z0-9_.-]{0,99})(?:=|\\?["']?\s{0,8}:\s{1,8})""")
"""`NAME=` or `NAME: `, also with a quote after the name."""
_VALUE = re.compile(r"""\\?"[^"\n]*"?|'[^'\n]*'?|[^\s"',;&]+""")
_KEY = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.DOTALL)
_PATTERNS = (
    (_KEY, MASK),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*"), MASK),
    (re.compile(r"\b(?:gh[opsur]_|github_pat_|glpat-|xox[a-z]-|AKIA|LTAI)[A-Za-z0-9_-]{8,}"), MASK),
    (re.compile(r"(://)[^/\s@\"']+(?=@)"), rf"\g<1>{MASK}"),
)


def is_secret(name: str) -> bool:
    """Whether the value of this name (of a variable, a build argument, a field) is a secret."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words or name in _OPEN or words[-1] in _ABOUT_ONE:
        return False
    return bool(_SECRETS & set(words)) or (words[-1] == "key" and len(words) > 1)


def masked(value: Any, secrets: Collection[str] = ()) -> Any:  # noqa: ANN401 - any JSON
    """A JSON value with every secret masked. `secrets` are known ones."""
    if isinstance(value, dict):
        return _masked_map(value, secrets)
    if isinstance(value, list):
        return [masked(item, secrets) for item in value]
    return masked_text(value, secrets) if isinstance(value, str) else value


def masked_text(text: str, secrets: Collection[str] = ()) -> str:
    """A text with every secret masked: as a whole, then line by line. A line that is JSON is masked value by value."""
    return "\n".join(_masked_line(line, secrets) for line in _KEY.sub(MASK, text).split("\n"))


def _masked_line(line: str, secrets: Collection[str]) -> str:
    if line[:1] in {"{", "["}:
        try:
            return json.dumps(masked(json.loads(line), secrets), ensure_ascii=False)
        except (ValueError, RecursionError):
            pass
    for pattern, replacement in _PATTERNS:
        line = pattern.sub(replacement, line)
    return redact(_without_named(line), secrets)


def _masked_map(value: dict[str, Any], secrets: Collection[str]) -> dict[str, Any]:
    if is_secret(str(value.get("name", ""))) and isinstance(value.get("value"), str):  # a variable of a container
        value = value | {"value": MASK}
    found = {}
    for name, item in value.items():
        if name in _DROPPED:
            continue
        hidden = is_secret(name) and isinstance(item, str) and bool(item)
        found[name] = MASK if hidden else masked(item, secrets)
    return found


def _without_named(line: str) -> str:
    """The line with the value after each name of a secret masked. Reads the line once, whatever is in it."""
    parts, end = [], 0
    for name in _NAMED.finditer(line):
        if name.start() < end or not is_secret(name.group(1)):
            continue
        if name.group(1).lower().endswith("authorization"):  # its value has two words, which `redact` knows
            continue
        if value := _VALUE.match(line, name.end()):
            parts += [line[end : name.end()], MASK]
            end = value.end()
    return "".join((*parts, line[end:]))

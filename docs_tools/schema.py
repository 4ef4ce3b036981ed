"""The limits of a JSON schema in words, for the keywords that the CRD's and the chart's schemas use."""

from typing import Any

from docs_tools.markdown import code, flow

Schema = dict[str, Any]

_LIMITS = (
    ("minimum", "maximum", "", ""),
    ("minLength", "maxLength", " character", " characters"),
    ("minItems", "maxItems", " entry", " entries"),
    ("minProperties", "maxProperties", " entry", " entries"),
)
"""Keywords of minimum and maximum, and the unit: singular, plural."""


def bounds(schema: Schema) -> list[str]:
    """One sentence for each limit in the schema."""
    found = [*_choice(schema)]
    for low, high, one, several in _LIMITS:
        found += _range(schema.get(low), schema.get(high), one, several)
    if schema.get("uniqueItems") or schema.get("x-kubernetes-list-type") == "set":
        found.append("Entries are unique.")
    if keys := schema.get("x-kubernetes-list-map-keys"):
        found.append(f"Entries have unique values of {code(', '.join(keys))}.")
    if pattern := schema.get("pattern"):
        shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in pattern)
        found.append(f"Matches {code(shown)}.")
    return found


def _choice(schema: Schema) -> list[str]:
    values = [code(flow(value)) for value in schema.get("enum", [])]
    if not values:
        return []
    return [f"{'One of ' if len(values) > 1 else 'Only '}{', '.join(values)}."]


def _range(least: int | None, most: int | None, one: str, several: str) -> list[str]:
    match least, most:
        case None, None:
            return []
        case int(), None:
            return [f"At least {least}{one if least == 1 else several}."]
        case None, _:
            return [f"At most {most}{one if most == 1 else several}."]
        case _:
            return [f"{least} to {most}{several}."]

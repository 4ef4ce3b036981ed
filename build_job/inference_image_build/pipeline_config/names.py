"""Finds violations of the schema: unknown fields and enum values, fields set twice, two fields of one oneof.

One pass finds all of them, so that a config of a newer release can be fixed in one go, not field by field.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from inference_image_build.pipeline_config import releases, schema
from inference_image_build.pipeline_config.findings import Finding
from inference_image_build.pipeline_config.textproto import Field, Message
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.reasons import Reason

_ALIKE = 0.75
_MAX_NAME = 80

_Findings = Callable[[Message, Any, str], Iterator[Finding]]
_ONLY_FOR_TRAINING = ("train_config", "train_input_reader", "eval_config", "eval_input_reader")
_UNUSED = (
    f"The export reads the config with {schema.RELEASE}. Fix misspelt names; remove fields of newer releases, which "
    f"the model does not need here; upload the config, {REQUEST_AGAIN}"
)


def findings(message: Message, descriptor: Any, path: str = "") -> Iterator[Finding]:  # noqa: ANN401 - protobuf is untyped
    """All violations in `message`, whose type is `descriptor`, in the order of the text."""
    lines: dict[str, int] = {}
    for field in message:
        known = descriptor.fields_by_name.get(field.name)
        if known is not None:
            yield from _excluded(field, known, joined(path, field.name), lines)
            lines.setdefault(field.name, field.line)
        yield from _unknown(field, descriptor, path, findings)


def unknown(message: Message, descriptor: Any, path: str = "") -> Iterator[Finding]:  # noqa: ANN401
    """Only the names in `message` that the schema does not have: of fields, and of enum values."""
    for field in message:
        yield from _unknown(field, descriptor, path, unknown)


def joined(path: str, name: str) -> str:
    """The path of a field under `path`, which is empty for the whole config."""
    return f"{path}.{name[:_MAX_NAME]}" if path else name[:_MAX_NAME]


def similar(name: str, known: Iterable[str], at_least: float = _ALIKE) -> str:
    """A clause that names the most similar known name; empty when none looks like a typo."""
    near = difflib.get_close_matches(name[:_MAX_NAME], list(known), n=1, cutoff=at_least)
    return f"; did you mean `{near[0]}`?" if near else ""


def _unknown(field: Field, descriptor: Any, path: str, inside: _Findings) -> Iterator[Finding]:  # noqa: ANN401
    """The violation of one name, or those `inside` the field's message."""
    known = descriptor.fields_by_name.get(field.name)
    if known is None:
        yield _unknown_field(field, path, descriptor)
    elif known.enum_type is not None:
        yield from _unknown_value(field, known, joined(path, field.name))
    elif known.message_type is not None and isinstance(field.value, Message):
        yield from inside(field.value, known.message_type, joined(path, field.name))


def _unknown_field(field: Field, path: str, descriptor: Any) -> Finding:  # noqa: ANN401
    place = f"`{path}` has" if path else "there is"
    release = releases.release_of(descriptor.name, field.name)
    said = release.says or similar(field.name, descriptor.fields_by_name)
    what = f"{place} no field `{field.name[:_MAX_NAME]}`{said}"
    remedy = release.remedy or (_UNUSED if path.partition(".")[0] in _ONLY_FOR_TRAINING else "")
    return Finding(Reason.PIPELINE_CONFIG_UNKNOWN_FIELD, field.line, field.column, what, remedy)


def _excluded(field: Field, known: Any, where: str, lines: dict[str, int]) -> Iterator[Finding]:  # noqa: ANN401
    """The conflict of a field with an earlier one in `lines`: set twice, or two fields of one oneof."""
    if not known.is_repeated and field.name in lines:
        what = f"`{where}` is set again, after line {lines[field.name]}"
        yield Finding(Reason.PIPELINE_CONFIG_INVALID, field.line, field.column, what)
    rivals = [other.name for other in known.containing_oneof.fields] if known.containing_oneof else []
    rival = next((name for name in rivals if name in lines and name != field.name), None)
    if rival is not None:
        what = f"`{where}` excludes `{rival}` of line {lines[rival]}: only one of {', '.join(rivals)} can be set"
        yield Finding(Reason.PIPELINE_CONFIG_INVALID, field.line, field.column, what)


def _unknown_value(field: Field, known: Any, where: str) -> Iterator[Finding]:  # noqa: ANN401
    values = known.enum_type.values_by_name
    if not isinstance(field.value, str) or not field.value[:1].isalpha() or field.value in values:
        return  # the parser checks numbers
    what = f"`{where}` cannot be `{field.value[:_MAX_NAME]}`, only {', '.join(values)}{similar(field.value, values)}"
    yield Finding(Reason.PIPELINE_CONFIG_INVALID, field.line, field.column, what)

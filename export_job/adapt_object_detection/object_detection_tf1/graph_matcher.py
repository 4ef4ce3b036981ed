"""Finds subgraphs by the types of their operations: what the exporter uses of tf.contrib's graph matcher."""

import itertools
from collections.abc import Iterator
from typing import Any, Protocol

Found = dict["Pattern", Any]
"""Which operation each pattern stands for; operations are `tf.Operation`."""


class Pattern(Protocol):
    """Something that an operation can match."""

    def match(self, operation: Any) -> Found | None:  # noqa: ANN401 - tf.Operation, untyped
        """The operations found, or None."""


class OpTypePattern:
    """An operation of the given types ("A|B", or "*" for any), whose inputs match `inputs` where they are given."""

    def __init__(
        self,
        op_type: str,
        name: str | None = None,
        inputs: "list[Pattern | str] | None" = None,
        ordered_inputs: bool = True,  # noqa: FBT001, FBT002 - the signature that the exporter calls
    ) -> None:
        self.name = name
        self._types = op_type.split("|")
        self._inputs: list[Pattern] = [
            OpTypePattern(pattern) if isinstance(pattern, str) else pattern for pattern in inputs or []
        ]
        self._ordered = ordered_inputs

    def match(self, operation: Any) -> Found | None:  # noqa: ANN401 - tf.Operation, untyped
        """The operations found, or None."""
        if self._types != ["*"] and operation.type not in self._types:
            return None
        if not self._inputs:
            return {self: operation}
        if len(operation.inputs) != len(self._inputs):
            return None
        orders = [tuple(self._inputs)] if self._ordered else itertools.permutations(self._inputs)
        inputs = [tensor.op for tensor in operation.inputs]
        return next((found for order in orders if (found := self._match_inputs(operation, inputs, order))), None)

    def _match_inputs(self, operation: Any, inputs: list[Any], order: tuple[Pattern, ...]) -> Found | None:  # noqa: ANN401
        found: Found = {self: operation}
        for input_operation, pattern in zip(inputs, order, strict=True):
            part = pattern.match(input_operation)
            if part is None:
                return None
            found |= part
        return found


class OneofPattern:
    """The first of several patterns that matches."""

    def __init__(self, patterns: list[Pattern]) -> None:
        self._patterns = patterns

    def match(self, operation: Any) -> Found | None:  # noqa: ANN401 - tf.Operation, untyped
        """The operations found, or None."""
        for pattern in self._patterns:
            found = pattern.match(operation)
            if found is not None:
                return found | {self: operation}
        return None


class MatchResult:
    """One place of a graph where the pattern matched."""

    def __init__(self, found: Found) -> None:
        self._found = found

    def get_op(self, pattern: Pattern) -> Any:  # noqa: ANN401 - tf.Operation, untyped
        """The operation that stands for `pattern` here, None when it was not part of the match."""
        return self._found.get(pattern)


class GraphMatcher:
    """Matches one pattern everywhere in a graph."""

    def __init__(self, pattern: Pattern) -> None:
        self._pattern = pattern

    def match_graph(self, graph: Any) -> Iterator[MatchResult]:  # noqa: ANN401 - tf.Graph, untyped
        """Every match. The operations are listed first, so that a caller may change the graph while it goes on."""
        for operation in graph.get_operations():
            found = self._pattern.match(operation)
            if found is not None:
                yield MatchResult(found)

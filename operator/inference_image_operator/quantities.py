"""Kubernetes quantities as numbers."""

from decimal import Decimal

from kubernetes.utils.quantity import parse_quantity


def quantity(text: str | int) -> Decimal:
    """`500m` -> 0.5, `2Gi` -> 2147483648.

    Raises ValueError when the text is no quantity.
    """
    value: Decimal = parse_quantity(text)  # type: ignore[no-untyped-call]
    return value

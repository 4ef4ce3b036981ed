"""Kubernetes quantities as numbers, and back."""

from decimal import Decimal

from kubernetes.utils.quantity import parse_quantity


def quantity(text: str | int) -> Decimal:
    """`500m` -> 0.5, `2Gi` -> 2147483648.

    Raises ValueError if the text is not a quantity.
    """
    value: Decimal = parse_quantity(text)  # type: ignore[no-untyped-call]
    return value


def doubled(limit: str | int, ceiling: str | int) -> str | None:
    """Twice a memory limit in MiB, at most the ceiling; None if the ceiling leaves no room.

    Raises ValueError if one of them is not a quantity.
    """
    more = min(2 * quantity(limit), quantity(ceiling))
    return f"{int(more) >> 20}Mi" if more > quantity(limit) else None

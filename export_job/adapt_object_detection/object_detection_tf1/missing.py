"""A symbol of TensorFlow 1.x that no export calls: it can be named, and says what it was when it is called."""

from typing import NoReturn


class Missing:
    """Stands for a symbol and everything under it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> "Missing":
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return Missing(f"{self._name}.{attribute}")

    def __call__(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Raises NotImplementedError."""
        raise NotImplementedError(f"{self._name} exists in TensorFlow 1.x only")

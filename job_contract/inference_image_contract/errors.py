"""The exception that ends a stage with an explanation."""

from typing import Self

from inference_image_contract.hints import sentence
from inference_image_contract.reasons import ExitCode, Reason


class StageError(Exception):
    """A stage cannot continue, and a person can be told why.

    `reason` is stable API. `message` is a sentence that names what is wrong: which key, which bucket, which line. A
    missing full stop is added. `hint` says what to do about it. Neither may contain a secret; the result writer redacts
    known values as well.
    """

    def __init__(self, reason: Reason, message: str, hint: str) -> None:
        self.reason = reason
        self.message = sentence(message)
        super().__init__(f"{reason}: {self.message}")
        self.hint = hint

    def __reduce__(self) -> tuple[type[Self], tuple[Reason, str, str]]:
        return type(self), (self.reason, self.message, self.hint)

    @property
    def exit_code(self) -> ExitCode:
        """The exit code that this failure ends the container with."""
        return self.reason.exit_code or ExitCode.INTERNAL  # a reason of the operator alone: a defect of the step

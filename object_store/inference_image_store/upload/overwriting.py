"""An upload that failed where an object is: it may have worked all the same, or the token forbids overwriting."""

from collections.abc import Callable

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_store import errors
from inference_image_store.client.objects import ObjectInfo
from inference_image_store.errors import ArchivedError


def settle(
    error: StageError,
    key: str,
    head: Callable[[str], ObjectInfo],
    is_wanted: Callable[[ObjectInfo], bool],
    *,
    in_parts: bool,
) -> None:
    """Returns when what was to be stored is there: its answer was lost, and another attempt must not overwrite it.

    Of what goes in parts any failure may be that: the end of an upload that has ended is refused.
    Raises StageError: `OverwriteForbidden` for something else that is there and may not be replaced, or `error`.
    """
    forbidden = error.reason is Reason.UFILE_FORBIDDEN
    if not forbidden and not in_parts:
        raise error
    try:
        if is_wanted(head(key)):
            return
    except ArchivedError:
        pass
    except StageError:
        raise error from None
    raise (errors.overwrite_forbidden(key, error) if forbidden else error) from error.__cause__

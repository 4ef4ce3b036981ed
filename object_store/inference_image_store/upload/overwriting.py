"""Failed uploads to an existing object: the upload may have succeeded, or the token forbids overwriting."""

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
    """Returns when the intended object is there: only the reply was lost, and a retry must not overwrite the object.

    For a multipart upload any failure may mean that: finishing a finished upload is rejected.
    Raises StageError: `OverwriteForbidden` when the credentials must not replace another object, or `error`.
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

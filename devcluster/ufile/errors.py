"""The errors of the protocol: HTTP status, RetCode and words, as one exception that the server answers with."""

import json


class UFileError(Exception):
    """An answer that is not a success. `code` is UFile's RetCode, a negative number."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def body(self) -> bytes:
        """The JSON document that UFile sends."""
        return json.dumps({"RetCode": self.code, "ErrMsg": self.message}).encode()


def not_found() -> UFileError:
    """No such object."""
    return UFileError(404, -148654, "file not exist")


def no_upload() -> UFileError:
    """No such multipart upload. The service's own code for it is not known; the object's stands in."""
    return UFileError(404, -148654, "upload not exist")


def no_bucket() -> UFileError:
    """No such bucket: UFile says so with 403."""
    return UFileError(403, -148653, "bucket not exists")


def invalid_signature() -> UFileError:
    """The signature is not what the named key makes of this request, or nobody has that key."""
    return UFileError(403, -148658, "invalid signature")


def no_authorization() -> UFileError:
    """Neither the header nor the query is signed, or the key may not do this (its own code is not known)."""
    return UFileError(403, -148643, "no authorization found")


def expired() -> UFileError:
    """The time of a signed URL is over."""
    return UFileError(403, -148660, "token expires")


def too_large() -> UFileError:
    """A part over the block size, or a plain PUT over 512 MB."""
    return UFileError(400, -148660, "content length larger than block size")


def duplicate_part() -> UFileError:
    """A part number that was sent before."""
    return UFileError(500, -1014, "duplicate part")


def bad_request(message: str) -> UFileError:
    """A request that makes no sense. The service's codes for these are not known; -1 stands for them all."""
    return UFileError(400, -1, message)

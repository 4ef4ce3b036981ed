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
    """No such bucket; the pages of the SDKs say so with 400."""
    return UFileError(400, -148653, "bucket not exists")


def invalid_signature() -> UFileError:
    """The signature is not what the named key makes of this request, or nobody has that key."""
    return UFileError(403, -148658, "invalid signature")


def no_authorization() -> UFileError:
    """Nothing is signed, or the key may not do this, or not overwrite: the SDKs' pages have one answer for all."""
    return UFileError(401, -148643, "no authorization found")


def expired() -> UFileError:
    """The time of a signed URL, or of a token, is over."""
    return UFileError(403, -148660, "token expires")


def security_token_expired() -> UFileError:
    """The time of a temporary key pair is over. The service's own answer is not known."""
    return UFileError(403, -148660, "security token expired")


def security_token_invalid() -> UFileError:
    """A temporary key pair without its security token, or with another's. The service's own answer is not known."""
    return UFileError(403, -148643, "invalid security token")


def too_large() -> UFileError:
    """A part over the block size, or a plain PUT or a form over 512 MB."""
    return UFileError(400, -148660, "content length larger than block size")


def copy_too_large() -> UFileError:
    """A copy in one request of more than 100 MB. The service's own answer is not known."""
    return UFileError(400, -148660, "copy source larger than 100 MB")


def bad_copy_range() -> UFileError:
    """The range of a part that is copied does not fit its source: the API documents 419, without a RetCode."""
    return UFileError(419, -1, "copy source range not satisfiable")


def metadata_too_large() -> UFileError:
    """More than 8 KB of user metadata. The service's own code is not known."""
    return UFileError(400, -1, "user metadata larger than 8 KB")


def wrong_md5() -> UFileError:
    """The body is not what Content-MD5 says."""
    return UFileError(400, -15036, "check md5 failed")


def invalid_listing(parameter: str, value: str) -> UFileError:
    """A parameter of a listing that is out of its range."""
    return UFileError(400, -15005, f"invalid {parameter}:{value}")


def archived() -> UFileError:
    """The object is archived and not restored. The service's own answer is not known; 403 refuses its class switch."""
    return UFileError(403, -148660, "file is archived, restore it first")


def not_archived() -> UFileError:
    """A restore of an object that is not archived."""
    return UFileError(400, -148660, "storage class is not archive")


def switch_not_allowed() -> UFileError:
    """A storage class that is not colder than the object's."""
    return UFileError(403, -148660, "switch class not allowed")


def duplicate_part() -> UFileError:
    """A part number that was sent before."""
    return UFileError(500, -1014, "duplicate part")


def bad_request(message: str) -> UFileError:
    """A request that makes no sense. The service's codes for these are not known; -1 stands for them all."""
    return UFileError(400, -1, message)

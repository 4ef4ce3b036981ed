"""The errors of the protocol: HTTP status, RetCode and message, in one exception that becomes the reply."""

import json


class UFileError(Exception):
    """An error reply. `code` is UFile's RetCode, a negative number."""

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
    """No such multipart upload. The service's RetCode is not documented; this one is that of a missing object."""
    return UFileError(404, -148654, "upload not exist")


def no_bucket() -> UFileError:
    """No such bucket; 400 according to the SDKs' pages."""
    return UFileError(400, -148653, "bucket not exists")


def invalid_signature() -> UFileError:
    """The signature does not match the request, or the public key is unknown."""
    return UFileError(403, -148658, "invalid signature")


def no_authorization() -> UFileError:
    """No signature, no right to do this, or no right to overwrite: the SDKs' pages have one reply for all."""
    return UFileError(401, -148643, "no authorization found")


def expired() -> UFileError:
    """A signed URL or a token has expired."""
    return UFileError(403, -148660, "token expires")


def security_token_expired() -> UFileError:
    """A temporary key pair has expired. The service's reply is not documented."""
    return UFileError(403, -148660, "security token expired")


def security_token_invalid() -> UFileError:
    """A temporary key pair with no or a wrong security token. The service's reply is not documented."""
    return UFileError(403, -148643, "invalid security token")


def too_large() -> UFileError:
    """A part over the block size, or a plain PUT or a form over 512 MB."""
    return UFileError(400, -148660, "content length larger than block size")


def copy_too_large() -> UFileError:
    """A copy of more than 100 MB in one request. The service's reply is not documented."""
    return UFileError(400, -148660, "copy source larger than 100 MB")


def bad_copy_range() -> UFileError:
    """The range of a copied part does not fit its source: the API documents 419, without a RetCode."""
    return UFileError(419, -1, "copy source range not satisfiable")


def metadata_too_large() -> UFileError:
    """More than 8 KB of user metadata. The service's RetCode is not documented."""
    return UFileError(400, -1, "user metadata larger than 8 KB")


def wrong_md5() -> UFileError:
    """The body does not match Content-MD5."""
    return UFileError(400, -15036, "check md5 failed")


def invalid_listing(parameter: str, value: str) -> UFileError:
    """A listing parameter out of range."""
    return UFileError(400, -15005, f"invalid {parameter}:{value}")


def archived() -> UFileError:
    """The object is archived and not restored. The service's reply is not documented; its class switch gets 403."""
    return UFileError(403, -148660, "file is archived, restore it first")


def not_archived() -> UFileError:
    """A restore of an object that is not archived."""
    return UFileError(400, -148660, "storage class is not archive")


def switch_not_allowed() -> UFileError:
    """A storage class that is not colder than the object's."""
    return UFileError(403, -148660, "switch class not allowed")


def duplicate_part() -> UFileError:
    """A part number that was already uploaded."""
    return UFileError(500, -1014, "duplicate part")


def bad_request(message: str) -> UFileError:
    """A malformed request. The service's RetCodes for these are not documented; -1 stands in for all."""
    return UFileError(400, -1, message)

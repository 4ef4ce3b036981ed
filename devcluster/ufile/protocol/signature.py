r"""The string to sign of UFile, and the check of a request's signature.

`HMAC-SHA1(private, VERB\nContent-MD5\nContent-Type\nDate\n + x-ucloud-* headers + /bucket/key)`, base64; the key
is raw, not URL-encoded. In a signed URL, `Expires` takes the place of the date.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping

from devcluster.ufile.protocol import errors
from devcluster.ufile.protocol.accounts import KeyPair
from devcluster.ufile.protocol.request import Request


def sign(private_key: str, text: str) -> str:
    """The base64 signature of a string to sign."""
    return base64.b64encode(hmac.new(private_key.encode(), text.encode(), hashlib.sha1).digest()).decode()


def string_to_sign(request: Request, date: str, content_type: str | None = None) -> str:
    """The string to sign of `request`. `content_type` overrides the header's (form uploads)."""
    headers = request.headers
    kind = headers.get("Content-Type", "") if content_type is None else content_type
    return (
        f"{request.method}\n{headers.get('Content-MD5', '')}\n{kind}\n{date}\n"
        f"{_ucloud_headers(headers)}/{request.bucket}/{request.key}"
    )


def authenticate(request: Request, keys: Mapping[str, KeyPair], now: float) -> KeyPair:
    """The key pair that signed the request, in its header or its URL; `now` is in Unix seconds.

    Raises UFileError for a missing, wrong or expired signature, key or security token.
    """
    if header := request.headers.get("Authorization", ""):
        pair = check_header(header, candidates(request), keys)
    elif "Signature" in request.query:
        pair = _check_url(request, keys, now)
    else:
        raise errors.no_authorization()
    check_valid(pair, request, now)
    return pair


def check_valid(pair: KeyPair, request: Request, now: float) -> None:
    """Raises UFileError when the pair has expired or the request lacks its security token.

    The token is a header, or a parameter of a signed URL (the SDK for Java: withSecurityToken).
    """
    token = request.headers.get("SecurityToken", "") or request.query.get("SecurityToken", "")
    if not hmac.compare_digest(token.encode(), pair.security_token.encode()):
        raise errors.security_token_invalid()
    if pair.expires and pair.expires <= now:
        raise errors.security_token_expired() if pair.security_token else errors.expired()


def check_header(header: str, texts: tuple[str, ...], keys: Mapping[str, KeyPair]) -> KeyPair:
    """The pair whose `UCloud <public>:<signature>` matches one of the texts; raises UFileError without a match."""
    scheme, _, value = header.partition(" ")
    public, _, signature = value.rpartition(":")
    if scheme != "UCloud" or not public:
        raise errors.no_authorization()
    return _match(public, signature, texts, keys)


def candidates(request: Request) -> tuple[str, ...]:
    """Every valid string to sign of this request: only the SDK for Python adds the parameters of listobjects."""
    text = string_to_sign(request, request.headers.get("Date", ""))
    if "listobjects" not in request.query:
        return (text,)
    names = ("delimiter", "marker", "max-keys", "prefix")
    parameters = "".join(f"\n{name}:{request.query.get(name, '')}" for name in names)
    return (f"{text}\nlistobjects{parameters}", text)


def _check_url(request: Request, keys: Mapping[str, KeyPair], now: float) -> KeyPair:
    expires = request.query.get("Expires", "")
    if not expires.isdigit() or int(expires) < now:
        raise errors.expired()
    text = string_to_sign(request, expires)
    return _match(request.query.get("UCloudPublicKey", ""), request.query["Signature"], (text,), keys)


def _match(public: str, signature: str, texts: tuple[str, ...], keys: Mapping[str, KeyPair]) -> KeyPair:
    pair = keys.get(public)
    if pair is None:
        raise errors.invalid_signature()
    if not any(hmac.compare_digest(sign(pair.private_key, text).encode(), signature.encode()) for text in texts):
        raise errors.invalid_signature()
    return pair


def _ucloud_headers(headers: Mapping[str, str]) -> str:
    lower = {name.lower().strip(): value.strip() for name, value in headers.items()}
    return "".join(f"{name}:{lower[name]}\n" for name in sorted(lower) if name.startswith("x-ucloud-"))

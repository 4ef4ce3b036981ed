"""Form uploads: `FileName`, `Authorization` and `file`, parsed even without the closing boundary.

The SDK ends its form with an opening boundary, so strict parsers reject it.
"""

import re
from dataclasses import dataclass, replace

from devcluster.ufile.protocol import errors
from devcluster.ufile.protocol.request import Request


@dataclass(frozen=True)
class Form:
    """The fields of a form upload."""

    key: str
    authorization: str
    mime_type: str
    """Content-Type of the file part, which the signature covers."""
    content: bytes


def parse(content_type: str, body: bytes) -> Form:
    """Parses the form in a request's body; raises UFileError when a field is missing."""
    boundary = re.search(r'boundary="?([^";]+)', content_type)
    if not content_type.startswith("multipart/form-data") or boundary is None:
        raise errors.bad_request("not a form")
    fields: dict[str, tuple[str, bytes]] = {}
    for part in (b"\r\n" + body).split(f"\r\n--{boundary[1]}".encode())[1:]:
        head, _, content = part.partition(b"\r\n\r\n")
        header = head.decode(errors="replace")
        if name := re.search(r'\bname="([^"]*)"', header):
            kind = re.search(r"(?im)^content-type:\s*(\S+)", header)
            fields[name[1]] = (kind[1] if kind else "", content)
    missing = {"FileName", "Authorization", "file"} - fields.keys()
    if missing:
        raise errors.bad_request(f"the form has no {', '.join(sorted(missing))}")
    mime_type, content = fields["file"]
    return Form(fields["FileName"][1].decode(), fields["Authorization"][1].decode(), mime_type, content)


def target(request: Request, form: Form) -> Request:
    """The request in the form that was signed: for the object, not for the bucket."""
    return replace(request, key=form.key)

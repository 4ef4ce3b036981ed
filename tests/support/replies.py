"""Sends responses of test registries."""


def reply(request, status: int, body: bytes = b"", **headers: str) -> None:
    """Reads the whole request, then responds; `_` in a header's name stands for `-`."""
    request.rfile.read(int(request.headers.get("Content-Length", 0)))
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name.replace("_", "-"), value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)

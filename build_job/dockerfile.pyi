# Types of the parts of `dockerfile` (a compiled module without types) that this project uses.
from typing import NamedTuple

class GoParseError(ValueError): ...

class Command(NamedTuple):
    cmd: str
    sub_cmd: str | None
    json: bool
    original: str
    start_line: int
    end_line: int
    flags: tuple[str, ...]
    value: tuple[str, ...]

def parse_string(text: str) -> tuple[Command, ...]: ...

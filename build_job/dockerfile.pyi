# Types of the parts of `dockerfile` (a compiled module without types) that this project uses.
from typing import NamedTuple

class GoParseError(ValueError): ...

class Heredoc(NamedTuple):
    name: str
    file_descriptor: int
    content: str

class Command(NamedTuple):
    cmd: str
    sub_cmd: str | None
    json: bool
    original: str
    start_line: int
    end_line: int
    flags: tuple[str, ...]
    value: tuple[str, ...]
    heredocs: tuple[Heredoc, ...]

def parse_string(text: str) -> tuple[Command, ...]: ...

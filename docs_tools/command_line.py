"""docs/reference/cli.md: every command of the kubectl plugin, from the parsers of its command line.

argparse's own help depends on the terminal's width and on the version of Python; this text depends on neither.
"""

import argparse
from collections.abc import Iterator

from docs_tools.markdown import code, flow, link, page, table, text
from kubectl_inferenceimage.__main__ import COMMANDS, PROGRAM

SOURCE = "cli/kubectl_inferenceimage/commands"

WIDTH = 100
"""Maximum length of a line of the synopsis, in characters."""

_EXIT_CODES = (
    ("0", "Success."),
    ("1", "Failure. A message on standard error says why, and what to do."),
    ("2", "Invalid command line."),
    ("3", "`watch`: the run has not ended within `--timeout`."),
    ("4", "`watch`: the run does not go on, because the object is suspended or was deleted."),
    ("130", "Interrupted."),
)


def write() -> str:
    """The page."""
    return page(
        f"# {PROGRAM}",
        f"*Written by `make reference`; edit {link(SOURCE, f'../../{SOURCE}')} instead.*",
        f"{link('laptop.md', '../guides/laptop.md')} explains what the plugin is for and how to install it.",
        *(part for name in COMMANDS for part in _command(name)),
        "## Exit codes",
        table(("code", "meaning"), _EXIT_CODES),
    )


def _command(name: str) -> Iterator[str]:
    parser = argparse.ArgumentParser(add_help=False)
    COMMANDS[name].add_flags(parser)
    actions: list[argparse.Action] = parser._actions  # noqa: SLF001 - argparse has no public list of its options
    alone = [group._group_actions for group in parser._mutually_exclusive_groups]  # noqa: SLF001 - nor of these
    help_text = COMMANDS[name].help
    yield f"## {name}"
    yield f"{help_text[0].upper()}{help_text[1:]}."
    yield "\n".join(["```text", *_lines([f"{PROGRAM} {name}", *_synopsis(actions, alone)]), "```"])
    yield table(
        ("option", "default", "effect"),
        [(code(_option(action)), _default(action), _what(action, alone)) for action in actions],
    )


def _lines(words: list[str]) -> Iterator[str]:
    """Wraps the words into lines of at most WIDTH characters."""
    line = words[0]
    for word in words[1:]:
        if len(line) + 1 + len(word) > WIDTH:
            yield line
            line = f"   {word}"
        else:
            line += f" {word}"
    yield line


def _synopsis(actions: list[argparse.Action], alone: list[list[argparse.Action]]) -> Iterator[str]:
    for action in actions:
        group = next((group for group in alone if action in group), [action])
        if action is not group[0]:
            continue
        words = " | ".join(_usage(one) for one in group)
        yield words if action.required else f"[{words}]"


def _usage(action: argparse.Action) -> str:
    if action.option_strings:
        return f"{action.option_strings[0]} {_argument(action)}".strip()
    return f"{action.metavar}..." if action.nargs == "+" else str(action.metavar)


def _option(action: argparse.Action) -> str:
    options = ", ".join(action.option_strings)
    return f"{options} {_argument(action)}".strip() if options else str(action.metavar)


def _argument(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.choices is not None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return str(action.metavar or action.dest.upper())


def _default(action: argparse.Action) -> str:
    return "required" if action.required else code(flow(action.default)) if action.default else ""


def _what(action: argparse.Action, alone: list[list[argparse.Action]]) -> str:
    others = [other for group in alone if action in group for other in group if other is not action]
    beside = "".join(f" Cannot be combined with {code(other.option_strings[-1])}." for other in others)
    described = text(action.help or "")
    return f"{described[:1].upper()}{described[1:]}.{beside}"

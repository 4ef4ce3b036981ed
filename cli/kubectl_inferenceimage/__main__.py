"""The command line: runs the subcommand that it names.

A subcommand imports what it needs itself, so that --help does not wait for the Kubernetes client.
"""

import argparse
import functools
import sys
from collections.abc import Sequence

from kubectl_inferenceimage.commands import changing, offline, reading
from kubectl_inferenceimage.errors import CommandError

COMMANDS = {**reading.COMMANDS, **changing.COMMANDS, **offline.COMMANDS}
PROGRAM = "kubectl inferenceimage"


def parser() -> argparse.ArgumentParser:
    """Knows every subcommand with its flags; it exits with 2 for an invalid command line."""
    made = argparse.ArgumentParser(prog=PROGRAM)
    subcommands = made.add_subparsers(dest="command", required=True, metavar="SUBCOMMAND")
    for name, command in COMMANDS.items():
        command.add_flags(subcommands.add_parser(name, help=command.help, description=command.help))
    return made


_known = functools.cache(parser)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a subcommand. Returns its exit code, mostly 0, or 1 with a message on standard error.

    Exits with 2 for an invalid command line.
    """
    chosen = _known().parse_args(arguments)
    try:
        return COMMANDS[chosen.command].run(chosen) or 0
    except CommandError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"{error.filename or chosen.command}: {error.strerror or error}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130  # 128 + SIGINT, as in a shell
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""Shell completion: kubectl runs `kubectl_complete-inferenceimage` with the words so far. The last may be empty.

It prints a candidate per line, then a directive of cobra for the shell (kubectl: pkg/cmd/plugin_completion.go). What
the cluster does not tell, because it is away or the person lacks a right, is not offered.
"""

import argparse
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence

from argcomplete.completers import BaseCompleter
from argcomplete.finders import CompletionFinder

from kubectl_inferenceimage.__main__ import parser
from kubectl_inferenceimage.commands.command import connected
from kubectl_inferenceimage.errors import CommandError

FILES, NO_FILES = ":0", ":4"
"""Cobra's ShellCompDirectiveDefault, with which the shell offers files when there is no candidate, and -NoFileComp."""
PATHS = ("FILE", "FOLDER", "PICTURE", "PATH")
"""Placeholders in --help of what the shell completes by itself."""


class Values(BaseCompleter):
    """Offers the values of flags and arguments. Notes whether the last one is a path."""

    def __init__(self) -> None:
        self.path = False

    def __call__(
        self, *, prefix: str, action: argparse.Action, parser: argparse.ArgumentParser, parsed_args: argparse.Namespace
    ) -> list[str]:
        """The values of `action` that begin with `prefix`."""
        del parser
        self.path = action.metavar in PATHS
        find = _VALUES.get(str(action.metavar or action.dest))
        if find is None or (parsed_args.command == "create" and action.dest == "name"):
            return []
        try:
            return sorted({value for value in find(parsed_args) if value.startswith(prefix)})
        except (CommandError, OSError):
            return []


def candidates(words: Sequence[str]) -> tuple[list[str], str]:
    """What can stand in place of the last word, and the directive."""
    *before, last = words
    values = Values()
    finder = CompletionFinder(parser(), always_complete_options=False, default_completer=values, append_space=False)
    line = f"{shlex.join(before)} " if before else ""
    found: list[str] = []
    while completed := finder.rl_complete(line + last, len(found)):
        found.append(completed.removeprefix(line))
    return found, FILES if values.path else NO_FILES


def main() -> int:
    """Prints the candidates for the words of the command line. Returns 0."""
    found, directive = candidates(sys.argv[1:] or [""])
    print(*found, directive, sep="\n")
    return 0


def _images(chosen: argparse.Namespace) -> Iterable[str]:
    return [found["metadata"]["name"] for found in connected(chosen).images()]


def _digests(chosen: argparse.Namespace) -> Iterable[str]:
    from kubectl_inferenceimage.cluster.verbs import published

    return [digest for *_, digest in published(connected(chosen).image(chosen.name))]


def _namespaces(chosen: argparse.Namespace) -> Iterable[str]:
    found = connected(chosen).requests.items("list the namespaces", "/api/v1/namespaces")
    return [namespace["metadata"]["name"] for namespace in found]


def _contexts(chosen: argparse.Namespace) -> Iterable[str]:
    from kubectl_inferenceimage.cluster.connection import contexts

    return contexts(chosen.kubeconfig)


def _stages(_: argparse.Namespace) -> Iterable[str]:
    from inference_image_operator.api.stages import Stage

    return [stage.value for stage in Stage]


_VALUES: dict[str, Callable[[argparse.Namespace], Iterable[str]]] = {
    "NAME": _images,
    "DIGEST": _digests,
    "namespace": _namespaces,
    "context": _contexts,
    "stage": _stages,
}
"""By placeholder in --help, or by name of the flag."""


if __name__ == "__main__":
    sys.exit(main())

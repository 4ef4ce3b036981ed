"""Dockerfiles and .dockerignore that cost more than they contain, read within 256 MiB and seconds of CPU time."""

import contextlib
import random

import pytest

from inference_image_build.builders import features
from inference_image_build.dockerfile import copied_files, directives, ignore, parse, patterns
from inference_image_build.dockerfile.variables import expand
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from tests.support.limits import MIB, within

PIN = "h.example/a@sha256:" + "1" * 64
DOUBLED = "ARG A0=" + "x" * 99 + "\n" + "".join(f"ARG A{n + 1}=$A{n}$A{n}\n" for n in range(60))


def resolve(text):
    """What `resolve` does with a Dockerfile; the refusal, or nothing."""
    data = text.encode()
    files = [copied_files.File(f"{at}/" + "a/" * 40 + "b" * 60, 1, 1) for at in range(2000)]
    try:
        instructions = parse.read(data, "Dockerfile")
        list(copied_files.copied(instructions, files, {}))
        features.read(instructions, directives.read(text), {}, {})
        parse.pin(data, {}, {use.image: PIN for use in parse.images(instructions, {}, "Dockerfile")}, "Dockerfile")
    except StageError as error:
        return f"{error.reason}: {error.message}"
    except ValueError as error:  # of `features`, which the builders explain
        return str(error)
    return ""


HOSTILE = {
    "arguments that double": (DOUBLED + "FROM $A60", "add more than 16384"),
    "arguments that double, in a stage": ("FROM a\n" + DOUBLED, "add more than 16384"),
    "environment that doubles": ("FROM a\n" + DOUBLED.replace("ARG", "ENV"), "add more than 16384"),
    "a word of many": ("ARG A=" + "x" * 9000 + "\nFROM " + "$A" * 20_000, "add more than 16384"),
    "substitutions within one another": ("ARG A\nFROM " + "${A:-" * 12_000, "19 deep"),
    "a pattern that backtracks": ("ARG A=" + "a" * 4000 + "\nFROM ${A#" + "*a" * 10_000 + "b}", "image"),
    "the same at the end": ("ARG A=" + "a" * 4000 + "\nFROM ${A%" + "*a" * 10_000 + "b}", "image"),
    "the same everywhere": ("ARG A=" + "a" * 4000 + "\nFROM ${A//" + "*a" * 10_000 + "b/c}", "image"),
    "a replacement for each character": (
        "ARG A=" + "a" * 4000 + "\nFROM ${A//a/" + "x" * 9000 + "}",
        "more than 16384",
    ),
    "a pattern for a long value": ("ARG A=" + "a" * 4097 + "\nFROM ${A#a}", "4096"),
    "many sources": ("FROM a\nCOPY " + "a " * 30_000 + "/", "at most 500"),
    "many patterns": ("FROM a\n" + ("COPY " + "*a*b*c*d " * 490 + "/\n") * 14, ""),
    "many lines": ("FROM a\n" + "\n" * 60_000 + "UNKNOWN", "line 60002"),
    "an error after many lines": ("FROM a\nCOPY x\n" + "\n" * 60_000, "line 2: COPY takes"),
    "spaces in a directive": ("# escape = a" + " " * 60_000 + "b\nFROM a", ""),
    "many stages": ("".join(f"FROM a{n}\n" for n in range(5000)), ""),
    "stages on one another": ("FROM a AS s0\n" + "".join(f"FROM s{n} AS s{n + 1}\n" for n in range(3000)), ""),
    "many copies": ("FROM a\n" + "".join(f"COPY --from=x{n} a /\n" for n in range(2900)), ""),
}


resolve(
    "FROM a"
)  # Go's runtime starts beside the import; a call waits until it has reserved its memory, before the limit


def check(form):
    text, said = HOSTILE[form]
    assert said in resolve(text), f"{form}: {resolve(text)[-300:]}"


@pytest.mark.parametrize("form", HOSTILE)
def test_a_hostile_dockerfile_is_read_within_limits(form):
    within(check, form, cpu=60, fork=False)


@pytest.mark.parametrize(
    ("text", "value", "found"),
    [
        ("${V#*a*b}", "xayb.b", ".b"), ("${V##*a*b}", "xayb.bc", "c"), ("${V%a*b*}", "xaybab", "xayb"),
        ("${V%%a*b*}", "xaybab", "x"), ("${V/a*b/-}", "xaybabz", "x-z"), ("${V//a?b/-}", "aabacb", "--"),
        ("${V#**}", "ab", "ab"), ("${V##**}", "ab", ""), ("${V%b}", "ab", "a"), ("${V%c}", "ab", "ab"),
    ],
)  # fmt: skip
def test_patterns_in_substitutions(text, value, found):
    assert expand(text, {"V": value}) == found


def test_a_word_may_grow_up_to_the_limit():
    assert len(expand("$A$A", {"A": "x" * 8192})) == 16384
    with pytest.raises(ValueError, match="16384"):
        expand("$A$A", {"A": "x" * 8195})


IGNORE = {
    "asterisks": "*" * 60_000,
    "asterisks and letters": "*a" * 30_000,
    "folders": "**/" * 20_000 + "b",
    "folders and letters": "**/a/" * 12_000 + "c",
    "a set": "[" + "a" * 60_000 + "]",
    "many lines": "a\n" * 30_000,
    "many lines of folders": "**/*a*a*b\n" * 999,
}


@pytest.mark.parametrize("form", IGNORE)
def test_a_hostile_dockerignore_is_read_within_limits(form):
    paths = [f"{at}/" + "a/" * 40 + "a" * 60 for at in range(2000)]

    def run():
        with contextlib.suppress(StageError):
            ignore.kept(ignore.parse(IGNORE[form].encode(), ".dockerignore"), paths, ".dockerignore")

    within(run, cpu=60)


def test_what_patterns_remember_is_bounded():
    """Every path of these brings each pattern into a hundred sets of positions that no other path has."""
    letters = random.Random(1)  # noqa: S311 - equal in every run
    paths = ["".join(letters.choices("ab", k=100)) for _ in range(12)]
    rules = "".join(f"*a{'?' * 50}{number}\n" for number in range(100))

    def run():
        with contextlib.suppress(StageError):
            ignore.kept(ignore.parse(rules.encode(), ".dockerignore"), paths, ".dockerignore")

    within(run, cpu=60, memory=32 * MIB)


def test_work_is_counted():
    work = patterns.Work(10)
    assert patterns.matches(patterns.parse("*"), "abcde", work=work)
    with pytest.raises(patterns.TooMuchWork):
        patterns.matches(patterns.parse("*"), "abcde", work=work)


COMMENTED = "FROM a:1\nCOPY \\\n# --from=b:2 in a comment\n  --from=b:2 \\\n # --from=b:2\n x /y\n"


def pinned(text):
    images = {use.image: f"h.example/p@sha256:{n:064}" for n, use in enumerate(uses(text))}
    return parse.pin(text.encode(), {}, images, "Dockerfile").decode(), images


def uses(text):
    return parse.images(parse.read(text.encode(), "Dockerfile"), {}, "Dockerfile")


def test_a_comment_within_an_instruction_gets_no_pin():
    found, images = pinned(COMMENTED)
    assert found.count("# --from=b:2") == 2
    assert [use.image for use in uses(found)] == list(images.values())


def test_a_flag_within_another_gets_no_pin():
    found, images = pinned("FROM a:1\nCOPY --exclude=--from=b:2 --from=b:2 x /y\n")
    assert f"--exclude=--from=b:2 --from={images['b:2']} " in found


@pytest.mark.parametrize("text", ["FROM a:1\nCOPY --from=b\\\n:2 x /y\n", "FROM a:1\nCOPY --fr\\\nom=b:2 x /y\n"])
def test_a_flag_on_two_lines_is_refused(text):
    with pytest.raises(StageError, match="one line") as caught:
        pinned(text)
    assert caught.value.reason == Reason.DOCKERFILE_INVALID


@pytest.mark.parametrize("text", ["\\", "FROM a\n\\\n", "FROM a\n\\"])
def test_a_line_with_a_backslash_alone_is_explained(text):
    """Found by the fuzzer: the parser gives it an instruction without a name."""
    with pytest.raises(StageError, match="an instruction has no name"):
        parse.read(text.encode(), "Dockerfile")

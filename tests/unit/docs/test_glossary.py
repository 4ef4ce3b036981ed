"""Code, messages and pages use the words of docs/glossary.md: those that it replaces do not come back."""

import functools
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SUFFIXES = {".py", ".md", ".yaml", ".yml", ".toml", ".mk", ".txt", ".tpl", ".Dockerfile", ""}
APART = {"docs/glossary.md", "tests/unit/docs/test_glossary.py"}
OF_OTHERS = ("requirements/", "tests/unit/operator/kaniko_logs/", "devcluster/tools/", "LICENSE", "NOTICE")
REPLACED = {
    "desired state, spec": r"\b[Ww]ish(es|ed)?\b",
    "poll": r"\b([Aa]|[Tt]he|[Ee]ach|[Ee]very|last|next|another|no|new|one) looks?\b",
    "new content": r"\b[Nn]ews\b",
    "fix": r"\b[Mm]end(s|ed|ing)?\b",
    "out of memory": r"\b[Ff]or want of\b|\b[Ss]tarv(e|es|ed|ing)\b",
    "custom CA": r"\bown CA\b",
    "untrusted": r"\bof (a )?strangers?\b|\bstrangers?'s?\b",
    "invalid, unknown": r"(?<!there )\b(is|are) none\b",
    "again": r"\banew\b",
    "goes into": r"\bbelongs? into\b",
}


@functools.cache
def texts() -> dict[str, str]:
    """File -> its text."""
    return {name: (ROOT / name).read_text(errors="replace") for name in files() if (ROOT / name).is_file()}


def files() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split(
        "\n"
    )
    return [
        name
        for name in listed
        if name and Path(name).suffix in SUFFIXES and name not in APART and not name.startswith(OF_OTHERS)
    ]


@pytest.mark.parametrize("word", REPLACED)
def test_a_replaced_word_is_nowhere(word: str) -> None:
    pattern = re.compile(REPLACED[word])
    found = []
    for name, text in texts().items():
        if pattern.search(text):
            for number, line in enumerate(text.splitlines(), 1):
                if pattern.search(line):
                    found.append(f"{name}:{number}: {line.strip()[:100]}")
    assert found == [], f"write: {word}"


def test_the_glossary_lists_what_is_replaced() -> None:
    page = (ROOT / "docs" / "glossary.md").read_text()
    assert [word for word in REPLACED if f"| {word} |" not in page] == []

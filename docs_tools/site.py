"""The documentation site: the pages of docs/, and the few pages of the repository's root that they link to.

GitHub shows the same files. So a page's links are those of the repository, and this module moves them: to a page of the
site where it has one, and to plain text where a link leaves it.
"""

import os
import posixpath
import re
from collections.abc import Mapping

ROOT_PAGES = (
    "README.md",
    "README.zh-CN.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "tests/README.md",
)
"""Pages outside docs/ that the site has, below `repository/`."""

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])+)\]\((?P<to>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")
_SECTION = re.compile(r"^(?P<marks>##+) (?P<title>.+)$")
_PAGE = re.compile(r"\[[^\]]+\]\((?P<to>[^)#\s]+\.md)\)")


def address(path: str) -> str:
    """Where the site has a file of the repository; empty if it does not."""
    if path in ROOT_PAGES:
        return f"repository/{path}"
    return path.removeprefix("docs/") if path.startswith("docs/") else ""


def relocated(text: str, path: str) -> str:
    """The Markdown of the page `path` of the repository, with links between the pages of the site."""
    parts, at = [], 0
    for fence in _FENCE.finditer(text):
        parts += [_moved(text[at : fence.start()], path), fence.group()]
        at = fence.end()
    return "".join([*parts, _moved(text[at:], path)])


def _moved(text: str, path: str) -> str:
    def link(found: re.Match[str]) -> str:
        if "://" in found["to"] or found["to"].startswith("mailto:"):
            return found.group()
        target = address(posixpath.normpath(posixpath.join(posixpath.dirname(path), found["to"])))
        if not target:
            return found["text"]
        to = os.path.relpath(target, posixpath.dirname(address(path)) or ".")
        return f"{found['image']}[{found['text']}]({to}{found['anchor'] or ''})"

    return _LINK.sub(link, text)


Navigation = list[Mapping[str, object]]


def navigation(index: str) -> Navigation:
    """The site's navigation: the sections of docs/index.md with the pages that each lists, in that order.

    A page stands where it is listed first. Its title is that of the page.
    """
    found: dict[str, list[str]] = {"Documentation": ["index.md"]}
    seen, section = {"", "index.md"}, "Documentation"
    for line in _FENCE.sub("", index).splitlines():
        if heading := _SECTION.match(line):
            section = heading["title"]
        for page in _PAGE.finditer(line):
            to = address(posixpath.normpath(posixpath.join("docs", page["to"])))
            if to not in seen:
                seen.add(to)
                found.setdefault(section, []).append(to)
    return [{title: pages} for title, pages in found.items()]

"""The documentation site: which page stands where, and how links between pages move."""

import pytest

from docs_tools import ROOT, site


@pytest.mark.parametrize(
    ("path", "text", "moved"),
    [
        ("docs/index.md", "[usage](guides/usage.md#states)", "[usage](guides/usage.md#states)"),
        ("docs/guides/usage.md", "[r](../../README.md)", "[r](../repository/README.md)"),
        ("README.md", "[u](docs/guides/usage.md)", "[u](../guides/usage.md)"),
        ("tests/README.md", "[c](../CONTRIBUTING.md#tests)", "[c](../CONTRIBUTING.md#tests)"),
        ("README.md", "![boxes](docs/images/boxes.png)", "![boxes](../images/boxes.png)"),
        ("docs/architecture.md", "[`job_contract/`](../job_contract/x)", "`job_contract/`"),
        (
            "docs/index.md",
            "[here](#a) and [there](https://example.com/a.md)",
            "[here](#a) and [there](https://example.com/a.md)",
        ),
        ("docs/index.md", "```sh\n[a](../x)\n```", "```sh\n[a](../x)\n```"),
    ],
    ids=["within", "to the root", "from the root", "between", "a picture", "out of the site", "elsewhere", "code"],
)
def test_links_move(path, text, moved):
    assert site.relocated(text, path) == moved


def test_the_navigation_is_that_of_the_index():
    guides = "## Guides\n\n| a | [u](guides/usage.md), [z](guides/z.md) |\n"
    index = f"See [r](../README.md).\n\n{guides}\n### More\n\n- [u](guides/usage.md), [x](x.md)"
    assert site.navigation(index) == [
        {"Documentation": ["index.md", "repository/README.md"]},
        {"Guides": ["guides/usage.md", "guides/z.md"]},
        {"More": ["x.md"]},
    ]


def test_the_site_has_each_page_once():
    sections = site.navigation((ROOT / "docs" / "index.md").read_text("utf-8"))
    pages = [page for section in sections for listed in section.values() for page in listed]
    assert len(pages) == len(set(pages))
    assert {f"docs/{page}" for page in pages if not page.startswith("repository/")} == {
        str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")
    }
    assert {page for page in pages if page.startswith("repository/")} == {
        site.address(path) for path in site.ROOT_PAGES
    }

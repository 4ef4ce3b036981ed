"""What MkDocs calls while it builds the site: see `site`."""

from typing import Any

from mkdocs.structure.files import File

from docs_tools import ROOT, site


def on_config(config: Any) -> Any:  # noqa: ANN401 - MkDocs's own type is untyped
    """The navigation is that of docs/index.md."""
    config.nav = site.navigation((ROOT / "docs" / "index.md").read_text("utf-8"))
    return config


def on_files(files: Any, config: Any) -> Any:  # noqa: ANN401
    """Adds the pages from outside docs/."""
    for path in site.ROOT_PAGES:
        files.append(File.generated(config, site.address(path), abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:  # noqa: ANN401
    """Moves the links of a page."""
    uri: str = page.file.src_uri
    source = uri.removeprefix("repository/") if uri.startswith("repository/") else f"docs/{uri}"
    return site.relocated(markdown, source)

"""Writes the generated pages and prints the names of those that changed."""

import sys

from docs_tools import ROOT
from docs_tools.pages import PAGES

for name, write in PAGES.items():
    path, text = ROOT / name, write()
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")
        print(name, file=sys.stderr)

"""What the site does with pages: links to files outside docs/ become the names of those files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
LINK = re.compile(r"\[([^\]\n]*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Called by mkdocs for each page."""
    folder = (DOCS / page.file.src_uri).parent

    def named(link: re.Match[str]) -> str:
        target = (folder / link[2]).resolve()
        outside = target.exists() and not target.is_relative_to(DOCS)
        outside = outside or target.suffix == ".py" or target.is_dir()
        return f"{link[1]} (`{target.relative_to(DOCS.parent)}`)" if outside else link[0]

    return LINK.sub(named, markdown)

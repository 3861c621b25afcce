"""What axe-core finds in the pages of Sphinx, its theme and its gallery, mended in the pages."""

import re
from pathlib import Path

MENDED = (
    # An empty head of a column is read aloud as a heading without words.
    (re.compile(r'<th class="head( stub)?"><p></p></th>'), "<td></td>"),
    # What opens a part of the contents has a picture only.
    (re.compile(r'<summary>(?=<span class="toctree-toggle")'), '<summary aria-label="Pages">'),
    # What scrolls has to be reached by keys.
    (
        re.compile(r'<div class="pst-scrollable-table-container">'),
        '<div class="pst-scrollable-table-container" tabindex="0">',
    ),
    # The name of an example lies beneath its picture, out of sight.
    (
        re.compile(r'(<a class="reference internal" href="[^"]*")(><span class="doc">([^<"]*)<)'),
        r'\1 aria-label="\3"\2',
    ),
)


def mend(app, error):
    """Rewrite the pages that were built."""
    if error is not None or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        text = before = path.read_text(encoding="utf-8")
        for pattern, replacement in MENDED:
            text = pattern.sub(replacement, text)
        if text != before:
            path.write_text(text, encoding="utf-8")


def setup(app):
    """Mend when all is written."""
    app.connect("build-finished", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""What keeps people who cannot see or use a mouse out of a page, as axe-core finds it."""

from importlib import resources

import pytest

WINDOWS = ((1400, "light"), (390, "dark"))  # a wide one, and a phone in the dark
# Between two colour schemes, a colour on its way is like neither.
SETTLE = """Promise.allSettled(document.getAnimations().filter(
    each => each instanceof CSSTransition).map(each => each.finished))"""


def barriers(page, windows=WINDOWS):
    """Return what axe-core finds in an open page, by window: its width and its colours."""
    pytest.importorskip(
        "axe_playwright_python", reason="needs axe-core: pip install axe-playwright-python"
    )
    axe = resources.files("axe_playwright_python").joinpath("axe.min.js")
    page.evaluate(axe.read_text(encoding="utf-8"))
    found = []
    for width, scheme in windows:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.evaluate(SETTLE)
        for rule in page.evaluate("axe.run()")["violations"]:
            place = rule["nodes"][0]["html"]
            found.append(f"{width} {scheme}: {rule['id']}, {rule['help']}: {place[:200]}")
    return found

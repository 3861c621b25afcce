"""How Sphinx builds the site: ``python -m sphinx -W -b html docs site``."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_extensions")]

import ffnn  # noqa: E402

project = "ffnn"
author = "the authors of ffnn"
version = release = ffnn.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
    "accessible",
    "mathml",
    "sphinx_gallery.gen_gallery",
    "reference_pages",
    "formula_pages",
    "house_picture",
]
exclude_patterns = ["pages", "sources", "derivations", "_*"]
default_role = "py:obj"
suppress_warnings = ["config.cache"]  # settings below hold functions

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autosummary_generate = False  # reference_pages writes them
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

sphinx_gallery_conf = {
    "examples_dirs": ["sources/tutorial", "sources/mathematics", "sources/gallery"],
    "gallery_dirs": ["tutorial", "mathematics", "gallery"],
    "image_scrapers": ("matplotlib", "figures"),
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "min_reported_time": 1e9,
    "show_memory": False,
    "show_signature": False,
    "remove_config_comments": True,
    "capture_repr": ("__repr__",),
    "write_computation_times": False,
}

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "ffnn"
html_context = {"default_mode": "auto"}
html_static_path = ["_static"]
html_css_files = ["ffnn.css"]
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {"house/index": []}
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 7,
    "secondary_sidebar_items": {
        "how-to/[!i]*": [],  # two columns need the room
        "[!h]**": ["page-toc"],
        "house/*": ["page-toc"],
    },
    "footer_start": ["sphinx-version"],
    "footer_end": ["theme-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

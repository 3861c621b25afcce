"""Figures of ffnn on the pages of the gallery, where pyplot does not know them."""

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

_shown = []  # which are kept, so that no other figure gets the identity of one of them


def scrape(block, block_vars, gallery_conf):
    """Save the figures that a block of code has left in its names, each once."""
    paths = []
    for value in list(block_vars["example_globals"].values()):
        is_new = isinstance(value, Figure) and not any(value is each for each in _shown)
        if is_new and not hasattr(value, "number"):  # which pyplot gives to its own
            _shown.append(value)
            paths.append(next(block_vars["image_path_iterator"]))
            value.savefig(paths[-1], dpi=100)
    return figure_rst(paths, gallery_conf["src_dir"])


def _get_sg_image_scraper():
    """Return what Sphinx-Gallery calls after each block."""
    return scrape

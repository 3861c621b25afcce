"""What the pages that are made from the code share."""


def heading(title, sign="="):
    """Return a title that is underlined."""
    return f"{title}\n{sign * len(title)}\n"


def write_all(folder, pages):
    """Write path → text as files of a folder of the sources, and remove what is old there.

    A page that has not changed stays as it is, so that it is not built again.
    """
    texts = {folder / f"{name}.rst": text for name, text in pages.items()}
    for path in folder.rglob("*.rst"):
        if path not in texts:
            path.unlink()
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")

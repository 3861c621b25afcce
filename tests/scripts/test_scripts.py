"""The scripts beside the package do what they say."""

import struct
import subprocess
import sys
from pathlib import Path

NAMES = ("graph.png", "training.png", "rates.png", "boundary.png")
SCRIPTS = Path(__file__).parents[2] / "scripts"


def test_readmes_pictures_are_drawn_anew_by_the_script(tmp_path):
    command = [sys.executable, SCRIPTS / "draw_pictures.py", "--out", tmp_path / "new"]

    result = subprocess.run(command, capture_output=True, text=True, check=True)

    pictures = [tmp_path / "new" / name for name in NAMES]
    assert result.stdout.splitlines() == [f"written: {picture}" for picture in pictures]
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)


def test_readmes_picture_of_the_page_is_taken_by_the_script(browser, tmp_path):
    path = tmp_path / "page.png"

    subprocess.run([sys.executable, SCRIPTS / "draw_page.py", "--out", path], check=True)

    width, height = struct.unpack(">II", path.read_bytes()[16:24])
    assert (width, height) == (2800, 1660)  # twice the window

"""Make ``ffnn/datasets/digits.npz`` from scikit-learn's copy of the UCI digits.

Run from anywhere with scikit-learn installed: ``python scripts/make_digits.py [path]``.
The same scikit-learn rows and the same zlib give the same bytes, whatever the day or the platform.
"""

from __future__ import annotations

import io
import random
import sys
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

OUTPUT = Path(__file__).resolve().parent.parent / "ffnn" / "datasets" / "digits.npz"
NUM_TEST = 360
SEED = 0


def stratified_split(
    labels: NDArray[np.int64], num_test: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of the training rows and of the test rows, each in the file's order."""
    classes, counts = np.unique(labels, return_counts=True)
    exact = counts * num_test / len(labels)
    quota = np.floor(exact).astype(int)
    most_short = np.argsort(quota - exact, kind="stable")
    quota[most_short[: num_test - quota.sum()]] += 1
    # random() is the one stream that Python promises to keep for a seed; NumPy promises none.
    generator = random.Random(seed)
    order = np.argsort([generator.random() for _ in labels], kind="stable")
    is_test = np.zeros(len(labels), dtype=bool)
    for label, take in zip(classes, quota, strict=True):
        is_test[order[labels[order] == label][:take]] = True
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def write_npz(path: Path, arrays: dict[str, NDArray[np.uint8]]) -> None:
    """Write a compressed npz whose bytes depend only on the arrays."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(array), version=(1, 0))
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, member.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=9)


def main(path: Path = OUTPUT) -> None:
    """Split the digits and write them to `path`."""
    digits = load_digits()
    pixels, labels = digits.data.astype(np.uint8), digits.target.astype(np.uint8)
    train, test = stratified_split(labels, NUM_TEST, SEED)
    arrays = {
        "x_train": pixels[train],
        "y_train": labels[train],
        "x_test": pixels[test],
        "y_test": labels[test],
    }
    write_npz(path, arrays)
    print(f"{path}: {len(train)} training rows, {len(test)} test rows, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))

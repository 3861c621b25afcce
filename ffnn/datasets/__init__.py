"""Data to learn from: the UCI digits, MNIST, made-up rows, and files of your own."""

from ffnn.datasets.arrays import Arrays, load_h5, load_npz
from ffnn.datasets.csv import load_csv, load_csv_features
from ffnn.datasets.csv_table import Table
from ffnn.datasets.digits import load_digits
from ffnn.datasets.mnist import MNIST_MIRRORS, find_mnist, load_mnist
from ffnn.datasets.toys import make_toy

__all__ = [
    "MNIST_MIRRORS",
    "Arrays",
    "Table",
    "find_mnist",
    "load_csv",
    "load_csv_features",
    "load_digits",
    "load_h5",
    "load_mnist",
    "load_npz",
    "make_toy",
]

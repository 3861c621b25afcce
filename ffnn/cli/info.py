"""`ffnn info`: what is installed and where, or what is in an ONNX file."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn import datasets
from ffnn._version import __version__
from ffnn.cli.exit_codes import usage_errors
from ffnn.core.console import show
from ffnn.core.text import counted
from ffnn.core.thread_choice import read_kept
from ffnn.exchange.onnx_content import describe_onnx
from ffnn.threads import THREAD_VARIABLES, blas_libraries

if TYPE_CHECKING:
    import argparse

_REQUIRED = ("numpy", "h5py", "tqdm", "matplotlib", "networkx")
_OPTIONAL = ("scipy", "scikit-learn", "threadpoolctl", "numba")


def info(args: argparse.Namespace) -> None:
    """Print versions, the BLAS library and its threads, and where MNIST is; or an ONNX file."""
    if args.file is not None:
        _show_onnx(args.file)
        return
    show(f"ffnn {__version__}")
    show(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")
    for name in (*_REQUIRED, *_OPTIONAL):
        try:
            show(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            show(f"{name}: not installed")
    from ffnn.kernels.compiler import find_problem  # which loads numba, for half a second

    problem = find_problem()
    show(f"compiled loops: {f'no, {problem}' if problem else 'yes, in long trainings'}")
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    show(f"BLAS: {blas.get('name', 'unknown')} {blas.get('version', '')}".rstrip())
    libraries, unknown = dict[str, int](), "does not know this library"
    try:
        libraries = blas_libraries()
    except ImportError:
        unknown = "is not installed"
    for name, number in libraries.items():
        show(f"  {name}: {counted(number, 'thread')}")
    if not libraries:
        show(f"  threads: unknown, threadpoolctl {unknown}")
    kept = ", ".join(f"{name}: {number}" for name, number in sorted(read_kept().items()))
    show(f"threads of --threads auto: {kept or 'not measured yet'}")
    for name in THREAD_VARIABLES:
        show(f"{name}: {os.environ.get(name, 'not set')}")
    show(f"CPUs: {os.cpu_count()}")
    folder, named, complete = datasets.find_mnist(args.data_dir)
    absent = "not found" if named else "not found, will be downloaded on first use"
    show(f"MNIST: {folder} ({'found' if complete else absent})")


def _show_onnx(path: str) -> None:
    """Print what is in an ONNX file: its sizes, its operators, and its layers if it is a chain."""
    with usage_errors(ImportError):
        content = describe_onnx(path)
    for line in content.lines:
        show(line)
    if content.model is None:
        show(f"no chain of layers: {content.problem}")
    else:
        content.model.summary()

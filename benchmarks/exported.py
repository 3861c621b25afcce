"""Sides of `bench_predict` that are files which ffnn has exported: ONNX, and C."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    import ffnn

COMPILER = shutil.which("cc")
_LOOP = """
void repeat(const float *x, float *y, long rows, long calls)
{
    for (long call = 0; call < calls; call++)
        for (long row = 0; row < rows; row++) predict(x + row * N_INPUTS, y + row * N_OUTPUTS);
}
"""


def by_onnxruntime(model: ffnn.Sequential) -> Callable[[NDArray[np.float32]], NDArray[Any]]:
    """Return the prediction of onnxruntime, on one thread where products have one."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    if os.environ.get("OMP_NUM_THREADS") == "1":
        options.intra_op_num_threads = options.inter_op_num_threads = 1
    content = model_as_onnx(model)
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def predict(x: NDArray[np.float32]) -> NDArray[Any]:
        result: NDArray[Any] = session.run(None, {"x": x})[0]
        return result

    return predict


def model_as_onnx(model: ffnn.Sequential) -> bytes:
    """Return the bytes of an ONNX file."""
    from ffnn.exchange import to_onnx

    content: bytes = to_onnx(model).SerializeToString()
    return content


class CProgram:
    """The network as C, compiled with ``cc -O2``; its calls come from a loop that is C, too."""

    def __init__(self, model: ffnn.Sequential) -> None:
        assert COMPILER is not None
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "network.c"
            library = source.with_suffix(".so")
            model.export(source)
            source.write_text(source.read_text(encoding="ascii") + _LOOP, encoding="ascii")
            flags = ["-std=c99", "-O2", "-fPIC", "-shared"]
            subprocess.run([COMPILER, *flags, str(source), "-o", str(library), "-lm"], check=True)
            self._repeat = ctypes.CDLL(str(library)).repeat
        self._repeat.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_long, ctypes.c_long]
        self._outputs = model.output_dim or 0

    def repeat(self, x: NDArray[np.float32], calls: int) -> NDArray[np.float32]:
        """Return the outputs of rows, which are computed so many times."""
        y = np.empty((len(x), self._outputs), np.float32)
        self._repeat(x.ctypes.data, y.ctypes.data, len(x), calls)
        return y

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the outputs of rows."""
        return self.repeat(x, 1)

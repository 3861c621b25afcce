"""
Train on several ranks
======================

``mpiexec`` starts processes, which MPI calls ranks, on one machine or many. Each takes its share of
every batch, and all end with the same weights, bit for bit, whatever their number.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import ffnn

# %%
# The program
# -----------
# Every rank runs the whole program; ``distributed=True`` is all that is new. ``micro_batches`` says
# into how many parts a batch is cut, and so how many ranks can share it.

folder = Path(tempfile.mkdtemp())
program = folder / "train.py"
program.write_text(
    """
import ffnn
from ffnn.layers import Dense, Rescaling

(x, y), test = ffnn.datasets.load_digits()
model = ffnn.Sequential([Rescaling(1 / 16), Dense(64, "relu"), Dense(10, "softmax")], seed=0)
model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=10, batch_size=64, micro_batches=2, distributed=True, verbose=0)

from mpi4py import MPI

if MPI.COMM_WORLD.rank == 0:
    model.save(f"ranks_{MPI.COMM_WORLD.size}.h5")
""",
    encoding="utf-8",
)

# %%
# One rank, and two
# -----------------
# ``pip install 'ffnn[mpi]'`` brings ``mpiexec`` along, beside Python.

mpiexec = shutil.which("mpiexec", path=Path(sys.executable).parent) or "mpiexec"
for ranks in ("1", "2"):
    subprocess.run(
        [mpiexec, "-n", ranks, sys.executable, str(program)],
        cwd=folder,
        check=True,
        timeout=600,
    )

_, (x_test, y_test) = ffnn.datasets.load_digits()
models = [ffnn.load_model(folder / f"ranks_{ranks}.h5") for ranks in (1, 2)]
same = (models[0].parameters == models[1].parameters).all()
loss, accuracy = models[1].evaluate(x_test, y_test)
print(f"the same weights: {same}; test accuracy {accuracy:.3f}")
figure = models[1].history.plot()

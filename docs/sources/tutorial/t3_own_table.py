"""
3. A table of your own
======================

Columns of any kind: numbers, words, dates, gaps. The command line needs one line for them, and so
does Python.
"""

import tempfile
from pathlib import Path

import numpy as np

import ffnn
from ffnn.cli import main as run
from ffnn.tables import read_table

# %%
# Any CSV file does. This one is made up: flats and their rents.

rng = np.random.default_rng(0)
rows = ["area,district,built,balcony,rent"]
for area in rng.uniform(25, 120, 400):
    district = rng.choice(["harbour", "hill", "station"])
    balcony, year = rng.choice(["yes", "no"]), rng.integers(1900, 2020)
    rent = 9 * area * {"harbour": 1.4, "hill": 1.2, "station": 0.9}[district]
    rent += 60 * (balcony == "yes") + rng.normal(0, 30)
    built = "" if rng.random() < 0.1 else year
    rows.append(f"{area:.0f},{district},{built},{balcony},{rent:.0f}")
folder = Path(tempfile.mkdtemp())
(folder / "flats.csv").write_text("\n".join(rows))
print("\n".join(rows[:4]))

# %%
# How a column is read is shown before anything is learned:

print(read_table(folder / "flats.csv"))

# %%
# On the command line
# -------------------
# ``ffnn train flats.csv --target rent --out flats.h5`` trains a network that needs no tuning, tells
# what a constant answer would reach, and saves it with all that it has learned of the columns.
# Typed in a shell it is a command; here it is called from Python.

options = ["--seed", "0", "--quiet", "--ensemble", "1"]
command = ["train", str(folder / "flats.csv"), "--target", "rent"]
run([*command, "--out", str(folder / "flats.h5"), *options])

# %%
# New rows need no preparation, and their columns may stand in any order.

model = ffnn.load_model(folder / "flats.h5")
flat = {"district": "harbour", "area": 60, "balcony": "yes", "built": None}
print(f"{model.predict([flat])[0, 0]:.0f}")

# %%
# What does the answer depend on?
# -------------------------------
# ``report`` says how good the answers are, and shuffles one column after the other to find out
# which of them matter.

report = model.report(folder / "flats.csv")
print(report)
figure = report.plot()

# %%
# ``report.save("report.html")`` writes all of it as a page. More on tables: :doc:`/tables`.

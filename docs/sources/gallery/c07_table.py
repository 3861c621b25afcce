"""
A table of your own
===================

Columns of any kind, with gaps, and a network that needs no tuning.
"""

import numpy as np
import pandas as pd

from ffnn.tables import TabularClassifier

rng = np.random.default_rng(0)
owl = rng.random(300) < 0.5
birds = pd.DataFrame(
    {
        "weight": np.where(owl, 600, 500) + rng.normal(0, 60, 300),
        "colour": pd.Series(np.where(owl, "brown", "grey")).where(
            rng.random(300) < 0.8
        ),
        "heard": pd.Timestamp("2024-05-01")
        + pd.to_timedelta(np.where(owl, 23, 9) + rng.normal(0, 3, 300), unit="h"),
    }
)
birds.loc[::10, "weight"] = np.nan
print(birds.head(3))

# %%
# Numbers, categories, dates and gaps are told apart by themselves.

species = np.where(owl, "owl", "crow")
model = TabularClassifier(random_state=0).fit(birds[:200], species[:200])
print(f"accuracy {model.score(birds[200:], species[200:]):.3f} on 100 other rows")
print(model.recipe_)

# %%
# What each column contributes to the answers:

report = model.model_.report(birds[200:], species[200:])
print(report)
figure = report.plot()

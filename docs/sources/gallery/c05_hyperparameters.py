"""
Search for settings
===================

``FFNNClassifier`` stands in scikit-learn's searches like its own classifiers.
"""

import matplotlib.pyplot as plt
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import ffnn
from ffnn.estimators import FFNNClassifier

x, y = ffnn.datasets.make_toy("moons", rows=300, noise=0.25)
pipeline = make_pipeline(
    StandardScaler(),
    FFNNClassifier(learning_rate_init=0.01, max_iter=1000, random_state=0),
)
choices = {
    "ffnnclassifier__hidden_layer_sizes": [(4,), (32,)],
    "ffnnclassifier__alpha": [0.0001, 0.1],
}
search = GridSearchCV(pipeline, choices, cv=3).fit(x, y)

for params, score in zip(
    search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
):
    print(f"{score:.3f}", *params.values())

# %%
names = [str(tuple(params.values())) for params in search.cv_results_["params"]]
fig, axes = plt.subplots(figsize=(6, 2.4), layout="constrained")
scores, spread = (
    search.cv_results_[f"{which}_test_score"] for which in ("mean", "std")
)
axes.barh(names, scores, xerr=spread, color="#0b6e8a")
axes.set(xlabel="accuracy, mean and deviation of 3 folds", xlim=(0.8, 1))

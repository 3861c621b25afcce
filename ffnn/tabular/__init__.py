"""The network for tables that needs no tuning: its settings, its layers, its start, its training.

Read `recipe`, by what rules sizes and lengths follow from the table; `network`, the layers;
`start`, where the weights begin; `training`, one network on one split; `folds` and `budget`, many
of them and the time that they may take. The recipe is that of RealMLP (Holzmüller, Grinsztajn,
Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on tabular data", NeurIPS
2024). `ffnn.tables.TabularClassifier` and `TabularRegressor` use it.
"""

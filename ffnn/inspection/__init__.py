"""What a model's answers depend on, column by column of what it is given; in numbers alone.

Read `rows`, which features are made of which column, then `permutation` (importance), `dependence`
(partial dependence) and `gradients` (contributions along a path, with `path_embedding` for
categories). None of them changes the model. `ffnn.reports` shows what they find.
"""

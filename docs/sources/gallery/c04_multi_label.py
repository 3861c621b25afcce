"""
Several labels a row
====================

A sigmoid for each label: a row may have none of them, one or all.
"""

import numpy as np

import ffnn

(x_train, digit_train), (x_test, digit_test) = ffnn.datasets.load_digits()
names = ["even", "above 4", "a multiple of 3"]


def labels_of(digits):
    return np.stack([digits % 2 == 0, digits > 4, digits % 3 == 0], axis=1).astype(
        float
    )


model = ffnn.Sequential.from_sizes([64, 32, 3], ["relu", "sigmoid"], seed=0)
model.compile("adam", "binary_crossentropy", metrics=["binary_accuracy", "auc"])
model.fit(x_train / 16, labels_of(digit_train), epochs=20, verbose=0)

loss, accuracy, area = model.evaluate(x_test / 16, labels_of(digit_test))
print(
    f"{accuracy:.3f} of the labels are right, area under the ROC curves {area:.3f}"
)
for digit, p in zip(digit_test[:3], model.predict(x_test[:3] / 16), strict=True):
    print(digit, dict(zip(names, p.round(2).tolist(), strict=True)))

# %%
figure = model.report(x_test / 16, labels_of(digit_test)).plot()

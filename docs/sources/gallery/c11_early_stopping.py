"""
Stop in time
============

Training ends when the validation loss has not improved for some epochs, and the best weights come
back.
"""

import ffnn
from ffnn.callbacks import EarlyStopping

x, y = ffnn.datasets.make_toy("moons", rows=120, noise=0.35)
model = ffnn.Sequential.from_sizes(
    [2, 64, 64, 2], ["relu", "relu", "softmax"], seed=0
)
model.compile(ffnn.optimizers.Adam(0.01), "categorical_crossentropy")
stop = EarlyStopping(monitor="val_loss", patience=15, restore_best_weights=True)
history = model.fit(
    x, y, epochs=200, verbose=0, validation_split=0.3, callbacks=[stop]
)
print(f"stopped after {len(history.history['loss'])} epochs")
figure = history.plot()

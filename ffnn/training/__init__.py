"""How a network trains; to be read from `loop` (epochs, batches) to `step` (one batch, one update).

Beside them are `position`, from which training is resumed, `signals` and `reporters`.
"""

"""How a network trains: the way from the data that `fit` has opened to the update.

`loop.train` calls `loop.run_epoch` for each epoch, which calls `loop.run_pass`, which calls the
`step.TrainStep` with each batch: layers forward, loss, layers backward, penalties, update.

`accumulation` has the step that updates once for several batches. Beside them are the `settings`
of `fit`, `position`, from which training is resumed, `signals` and `reporters`.
"""

"""What is trained and kept; to be read from `network` (layers) by `compiled` (loss) to `trainable`.

Beside them are `generators`, `serialization`, `resume` and `summary`.
"""

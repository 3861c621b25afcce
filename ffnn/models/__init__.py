"""What a model is: `network` (layers, predictions), `summary`, `serialization`, `resume`."""

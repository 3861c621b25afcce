"""What is trained and kept: a model, written as a chain of classes that build on each other.

1. `network.Network`: layers, their parameters, and predictions;
2. `compilable.Compilable`: a loss, an optimizer and metrics;
3. `batchwise.Batchwise`: data, one pass over it, one update;
4. `positioned.Positioned`: where its last training stands;
5. `trainable.Trainable`: `fit`, saving and loading;
6. `ffnn.Sequential`, which users hold: methods that lead to pictures, explanations, diagnoses.

Beside them are `replicas` (what predicts), `serialization` (a model's parts as plain data) and
`resume`.
"""

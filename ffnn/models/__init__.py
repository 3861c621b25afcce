"""What is trained and kept: a model, written as a chain of classes that build on each other.

1. `layered.Layered`: layers and their parameters;
2. `network.Network`: what they compute, and predictions;
3. `compilable.Compilable`: a loss, an optimizer and metrics;
4. `opening.Opening`: data that is checked;
5. `batchwise.Batchwise`: one pass over it, one update;
6. `positioned.Positioned`: where its last training stands;
7. `trainable.Trainable`: `fit`, saving and loading;
8. `ffnn.Sequential`, which users hold: methods that lead to pictures, explanations, diagnoses.

Beside them are `replicas` (what predicts), `serialization` (a model's parts as plain data) and
`resume`.
"""

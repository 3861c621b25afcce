"""Training: one `step`, the `loop` around it, `position` in it, `signals` and `reporters`."""

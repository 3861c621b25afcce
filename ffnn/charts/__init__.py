"""Charts of plain numbers: learning curves and recordings, as figures and for notebooks.

They know nothing of networks, and stand below what shows itself by them. Start with
`learning_curves`, which reads the numbers of a history; `curve_figures` and `history_html` draw
them; `recording_figures` draws what a `Recorder` saw. `style` is every figure's.
"""

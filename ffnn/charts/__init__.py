"""Charts of plain numbers: learning curves and recordings, as figures and for notebooks.

They know nothing of networks, so that histories and recordings can draw themselves. Start with
`learning_curves`, which reads the numbers of a history; `curve_figures` and `history_html` draw
them, and `recording_figures` and `recording_html` show what a `Recorder` saw. All figures share
`style`, are a `notebook_figure`, whose labels are `fitting`, and are written by `files`.
"""

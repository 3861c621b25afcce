"""A page on which a network trains before one's eyes: ``ffnn play``, `Sequential.play`, `Watch`.

From the training to the screen, in this order: `settings` (all that the controls set), `problems`
(rows to learn), `networks` (the network that the settings describe) and `script` (both as Python
code); `director`, the callback that takes commands and publishes snapshots, with `edits` for what
is changed by hand, and `session`, the thread that trains; `viewer`, which turns a snapshot into
what is drawn; `document`, the page, and `server`, which shows it to this machine alone. Data flows
one way, commands come back through a queue.
"""

"""
Export to a web page
====================

A network becomes a JavaScript file that needs nothing, so it runs in a page.
"""

import tempfile
from pathlib import Path

import ffnn

x, y = ffnn.datasets.make_toy("moons")
model = ffnn.Sequential.from_sizes([2, 4, 2], ["tanh", "softmax"], seed=0)
model.compile(ffnn.optimizers.Adam(0.02), "categorical_crossentropy", ["accuracy"])
model.fit(x, y, epochs=60, verbose=0)

path = Path(tempfile.mkdtemp()) / "moons.js"
model.export(path)
code = path.read_text()
print(code[:700])

# %%
# In the page:
#
# .. code-block:: html
#
#    <script type="module">
#      import { predict } from "./moons.js";
#      console.log(predict([[0.5, -0.25]]));
#    </script>
#
# The suffixes ``.onnx``, ``.c`` and ``.py`` work the same way.

figure = ffnn.visualization.plot_boundary(model, x, y)

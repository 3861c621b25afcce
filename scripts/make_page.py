"""Make a page that asks for the columns of a table and answers with a network, in the browser.

    python scripts/make_page.py [--out docs/pages/penguins.html]

The network learns the species of penguins from ``tests/tables/real/penguins.csv``. It is exported
as JavaScript, and stands in the page itself: browsers load no modules from files, but this page
works wherever it lies. Its fields are made from the columns that the encoder has learned.
"""

from __future__ import annotations

import argparse
import html
import tempfile
from pathlib import Path
from typing import Any

import ffnn
from ffnn.core.files import replace_whole
from ffnn.layers import Dense
from ffnn.tables import TableEncoder, read_table

ROOT = Path(__file__).parent.parent
CSV = ROOT / "tests" / "tables" / "real" / "penguins.csv"
PAGE = ROOT / "docs" / "pages" / "penguins.html"

FRAME = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --line: #8886; --bar: light-dark(#2f6fb7, #6ba8ee); }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto;
  padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; line-height: 1.2; }}
form {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); gap: 1rem; }}
label {{ display: grid; gap: 0.25rem; overflow-wrap: anywhere; }}
input, select {{ font: inherit; padding: 0.4rem; border: 1px solid var(--line);
  border-radius: 0.3rem; min-width: 0; width: 100%; box-sizing: border-box; }}
table {{ width: 100%; table-layout: fixed; border-collapse: collapse; }}
th {{ text-align: left; font-weight: normal; padding: 0.2rem 1rem 0.2rem 0; width: 33%;
  overflow-wrap: anywhere; }}
tr:first-child th {{ font-weight: bold; }}
td:last-child {{ text-align: right; width: 4.5rem; font-variant-numeric: tabular-nums; }}
td div {{ height: 0.9rem; background: var(--bar); border-radius: 0.15rem; }}
#problem {{ color: light-dark(#b3261e, #ff8a80); min-height: 1.5rem; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{note}</p>
<form id="row">
{fields}
</form>
<p id="problem" role="alert"></p>
<table aria-live="polite"><tbody id="answer"></tbody></table>
</main>
<script type="module">
{module}
{code}
</script>
</body>
</html>
"""

CODE = """
// -- the page -----------------------------------------------------------------

const form = document.getElementById("row");
const answer = document.getElementById("answer");
const problem = document.getElementById("problem");

function cell(kind, content) {
  const made = document.createElement(kind);
  made.append(content);
  return made;
}

function show() {
  const row = {};
  for (const [name, entry] of new FormData(form)) row[name] = entry === "" ? null : entry;
  try {
    const [shares] = predict([row]);
    const places = [...shares.keys()].sort((a, b) => shares[b] - shares[a]);
    const lines = places.map((i) => {
      const bar = document.createElement("div");
      bar.style.width = `${100 * shares[i]}%`;
      const line = document.createElement("tr");
      line.append(cell("th", CLASS_NAMES[i]), cell("td", bar));
      line.append(cell("td", `${(100 * shares[i]).toFixed(1)} %`));
      line.dataset.share = shares[i];
      return line;
    });
    answer.replaceChildren(...lines);
    problem.textContent = "";
  } catch (error) {
    answer.replaceChildren();
    problem.textContent = error.message;
  }
}

form.addEventListener("input", show);
form.addEventListener("submit", (event) => event.preventDefault());
show();
"""


def train(csv: Path) -> ffnn.Sequential:
    """Return a network that has learned the species from the other columns."""
    table = read_table(csv)
    model = ffnn.Sequential([Dense(16, "relu"), Dense(3, "softmax")], seed=0)
    model.compile("adam", "categorical_crossentropy")
    model.encoder = TableEncoder().fit(table, target="species")
    model.fit(table, epochs=100, verbose=0)
    return model


def field(column: dict[str, Any]) -> str:
    """Return the field of a column; an empty one is a missing entry."""
    name = html.escape(column["name"])
    title = html.escape(column["name"].replace("_", " "))
    choices = {"category": column.get("categories", []), "boolean": ["yes", "no"]}
    if column["kind"] in choices:
        options = "".join(f"<option>{html.escape(c)}</option>" for c in choices[column["kind"]])
        box = f'<select name="{name}"><option value="">unknown</option>{options}</select>'
    elif column["kind"] == "date":
        box = f'<input name="{name}" type="date">'
    else:
        typical = f"{column['median']:g}"
        kind = 'type="number" step="any" placeholder="unknown"'
        box = f'<input name="{name}" {kind} value="{typical}">'
    return f"<label>{title} {box}</label>"


def page(model: ffnn.Sequential, title: str, note: str) -> str:
    """Return a page with the network in it, and a field for each column."""
    assert model.encoder is not None
    with tempfile.TemporaryDirectory() as folder:
        model.export(Path(folder) / "network.js")
        module = (Path(folder) / "network.js").read_text(encoding="utf-8")
    columns = model.encoder.get_config()["columns"]
    return FRAME.format(
        title=html.escape(title),
        note=html.escape(note),
        fields="\n".join(map(field, columns)),
        module=module.replace("</", "<\\/").replace("<!--", "<\\!--"),  # which only texts hold
        code=CODE,
    )


def main() -> None:
    """Train the network and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--out", type=Path, default=PAGE)
    options = parser.parse_args()
    model = train(CSV)
    note = (
        "A network of ffnn, trained on the Palmer penguins and exported as JavaScript, answers in "
        "this page. Nothing is sent anywhere. Leave empty what you do not know."
    )
    text = page(model, "Which penguin is it?", note)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    replace_whole(options.out, text.encode())


if __name__ == "__main__":
    main()

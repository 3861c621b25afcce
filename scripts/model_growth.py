"""Model what a step takes on up to 1,024 ranks, and write "On paper" in ``docs/growth.md``.

    python scripts/model_growth.py --measure    # two minutes on a machine that does nothing else
    python scripts/model_growth.py              # tables and pictures, from what was measured

What is measured is kept in ``scripts/growth/measured.json``. The network cannot be measured on one
machine: its latency and bandwidth are assumed, and stand in `NETWORK_LINKS`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))

import numpy as np
from growth import simulate
from growth.costs import Link, Network, Pieces, fastest, half_used, speedup, step_seconds
from growth.measure import BATCH, NETWORKS, RANKS, STEPS, measure
from growth.pictures import draw_speedups, draw_troubles
from page_sections import DOCS, put, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MEASURED = Path(__file__).parent / "growth/measured.json"
NETWORK_LINKS = {  # bits in a second, and the latency of cables and switches in seconds
    "1 Gbit/s": (1e9, 25e-6),
    "10 Gbit/s": (1e10, 10e-6),
    "100 Gbit/s": (1e11, 2e-6),
}
BATCHES = (1024, 16_384)
MOST = 1024
LATE = 0.1  # of the time of a step: how late ranks are
FAILS = 1000 * 86_400.0  # seconds between failures of one machine
RESTART = 60.0  # seconds
JOBS = (16, 128, 1024)  # ranks, each on a machine of its own
SEED = 0


def pieces_of(found: Mapping[str, Any], network: Network) -> Pieces:
    """Return what the pieces of a step of a network take."""
    mine = dict(found["pieces"][str(network)])
    for name in ("fixed", "parted"):  # Python's own work, which shows best in the smallest
        mine[name] = found["pieces"][str(NETWORKS[0])][name]
    return Pieces(**{name: mine[name] for name in Pieces._fields})


def links_of(found: Mapping[str, Any]) -> dict[str, Link]:
    """Return the links between machines: the assumed cable, and the measured work for it."""
    memory, tcp = found["links"]["memory"], found["links"]["tcp"]
    return {
        name: Link(
            memory["latency"] + latency,
            memory["message"] + tcp["message"],
            8.0 / bits + tcp["byte"],
        )
        for name, (bits, latency) in NETWORK_LINKS.items()
    }


def check_table(found: Mapping[str, Any]) -> list[str]:
    """Return the table of measured steps beside those of the model."""
    link, rows = Link(**found["links"]["memory"]), []
    for network, steps in zip(NETWORKS, STEPS, strict=True):
        measured, pieces = found["whole"][str(network)], pieces_of(found, network)
        for ranks in RANKS:
            modelled = step_seconds(
                *(ranks, BATCH, network, pieces, link, BATCH * steps, found["cores"])
            )
            real = measured[str(ranks)]
            rows.append(
                [
                    str(network) if ranks == 1 else "",
                    str(ranks),
                    f"{1e3 * real:,.1f}",
                    f"{1e3 * modelled:,.1f}",
                    f"{modelled / real - 1:+.0%}",
                    f"{measured['1'] / real:.2f}",
                ]
            )
    head = ["network", "ranks", "measured, ms", "model, ms", "model off by", "times as fast"]
    return table(head, rows)


def growth_table(networks: Mapping[Network, Pieces], links: Mapping[str, Link]) -> list[str]:
    """Return the table of the numbers of ranks beyond which more do not pay."""
    rows = []
    for batch in BATCHES:
        for network, pieces in networks.items():
            for name, link in links.items():
                most = fastest(batch, network, pieces, link, MOST)
                times = speedup(most, batch, network, pieces, link)
                half = half_used(batch, network, pieces, link, MOST)
                rows.append(
                    [
                        f"{batch:,}" if name == next(iter(links)) else "",
                        str(network) if name == next(iter(links)) else "",
                        name,
                        f"{half:,}",
                        f"{speedup(half, batch, network, pieces, link):.1f}",
                        f"{most:,}",
                        f"{times:.1f}",
                    ]
                )
    head = ["batch", "network", "link", "ranks, half used", "times as fast"]
    return table([*head, "ranks, fastest", "times as fast"], rows)


def digits(value: float) -> str:
    """Return a number with three digits or all before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def pieces_table(found: Mapping[str, Any]) -> list[str]:
    """Return the table of what was measured."""
    texts = {
        "row": ("c", "µs", 1e6), "part": ("p", "µs", 1e6), "walk": ("a", "µs", 1e6),
        "update": ("u", "µs", 1e6), "target": ("s", "ns", 1e9), "metric": ("m", "ns", 1e9),
        "fixed": ("f", "µs", 1e6), "parted": ("g", "µs", 1e6), "digest": ("h", "ms", 1e3),
    }  # fmt: skip
    rows = []
    for name, (symbol, unit, scale) in texts.items():
        values = [scale * getattr(pieces_of(found, network), name) for network in NETWORKS]
        rows.append([f"*{symbol}*, {unit}", *map(digits, values)])
    rows.append(["P", *(f"{network.parameters:,}" for network in NETWORKS)])
    return table(["", *map(str, NETWORKS)], rows)


def late_table(rng: np.random.Generator) -> list[str]:
    """Return the table of how much longer the slowest of R ranks takes."""
    rows = []
    for ranks in (1, 2, 16, 128, 1024):
        row = [f"{ranks:,}"]
        for draw, closed in (
            (simulate.exponential, simulate.slowest_exponential),
            (simulate.lognormal, simulate.slowest_lognormal),
        ):
            found = simulate.slowest(draw(LATE), ranks, 5000, rng)
            row += [f"{found:.3f}", f"{closed(LATE, ranks):.3f}"]
        rows.append(row)
    head = ["ranks", "exponential, simulated", "1 + 0.1 H(R)", "lognormal, simulated", "integral"]
    return table(head, rows)


def failure_table(saving: float, between: Mapping[int, float], rng: Any) -> list[str]:
    """Return the table of the best time between checkpoints, and of what failures cost."""
    rows = []
    for ranks, mean in between.items():
        interval, work = simulate.daly(saving, mean), 300 * mean
        row = [f"{ranks:,}", f"{mean / 3600:,.0f}", f"{simulate.young(saving, mean) / 60:.1f}"]
        row.append(f"{interval / 60:.1f}")
        for each in (interval, 10 * interval):
            expected = simulate.expected_seconds(work, each, saving, RESTART, mean)
            found = simulate.wall_seconds(work, each, saving, RESTART, mean, rng)
            row += [f"{found / work - 1:.2%}", f"{expected / work - 1:.2%}"]
        rows.append(row)
    head = ["ranks", "M, hours", "Young, min", "Daly, min", "longer, simulated", "by formula"]
    return table([*head, "ten times as rarely, simulated", "by formula"], rows)


def write(found: Mapping[str, Any]) -> None:
    """Put all tables into the page, and draw the pictures."""
    networks = {network: pieces_of(found, network) for network in NETWORKS}
    links, rng = links_of(found), np.random.default_rng(SEED)
    saving = found["pieces"][str(NETWORKS[-1])]["saving"]
    between = {ranks: FAILS / ranks for ranks in JOBS}
    memory, tcp = found["links"]["memory"], found["links"]["tcp"]
    about = [
        f"Measured on {found['day']}: {found['processor']}, {found['cores']} cores, one thread for "
        f"products,",
        f"load {found['load']:.1f}. A message takes {1e6 * memory['message']:.1f} µs in shared "
        f"memory (latency {1e6 * memory['latency']:.0f} µs, {1e9 * memory['byte']:.2f} ns a byte);",
        f"through TCP the processor works {1e6 * tcp['message']:.1f} µs more on one, and "
        f"{1e9 * tcp['byte']:.2f} ns on each byte.",
    ]
    page = DOCS / "growth.md"
    put(page, "pieces of a step", [*about, "", *pieces_table(found)])
    put(page, "check", check_table(found))
    put(page, "ranks that pay", growth_table(networks, links))
    put(page, "late ranks", late_table(rng))
    put(
        page,
        "failures",
        [
            f"Saving {NETWORKS[-1]} takes {saving:.2f} s here.",
            "",
            *failure_table(saving, between, rng),
        ],
    )
    draw_speedups(DOCS / "pictures/ranks.png", networks, links, BATCHES)
    draw_troubles(DOCS / "pictures/troubles.png", LATE, saving, RESTART, between, SEED)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure if told to, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--measure", action="store_true", help="measure this machine anew")
    options = parser.parse_args(arguments)
    if options.measure:
        MEASURED.write_text(json.dumps(measure(), indent=1) + "\n", encoding="utf-8")
    write(json.loads(MEASURED.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()

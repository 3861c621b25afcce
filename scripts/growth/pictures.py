"""The curves of ``docs/growth.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from growth import simulate
from growth.costs import speedup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from growth.costs import Link, Network, Pieces

COLOURS = ("#0b5394", "#b45f06", "#38761d")  # dark enough on white, apart in lightness
STYLES = ("-", "--", ":")
MOST = 1024


def draw_speedups(
    path: Path,
    networks: Mapping[Network, Pieces],
    links: Mapping[str, Link],
    batches: Sequence[int],
) -> None:
    """Draw how many times as fast R ranks are, for each network and batch."""
    figure = Figure((10.0, 6.4), layout="constrained")
    axes = figure.subplots(len(batches), len(networks), sharex=True, sharey=True)
    ranks = np.unique(np.geomspace(1, MOST, 90).round().astype(int))
    for line, batch in zip(axes, batches, strict=True):
        for axis, (network, pieces) in zip(line, networks.items(), strict=True):
            axis.plot(ranks, ranks, color="#666666", linewidth=0.8, label="as many times as ranks")
            axis.plot(ranks, ranks / 2, color="#bbbbbb", linewidth=0.8, label="half of it")
            for (name, link), colour, style in zip(links.items(), COLOURS, STYLES, strict=True):
                times = [speedup(int(each), batch, network, pieces, link) for each in ranks]
                axis.plot(ranks, times, style, color=colour, linewidth=1.8, label=name)
            axis.set_xscale("log", base=2)
            axis.set_yscale("log", base=2)
            axis.set_title(f"{network}, batch {batch:,}", fontsize=10)
            axis.grid(alpha=0.3)
            axis.set_ylim(0.25, MOST)
    for axis in axes[-1]:
        axis.set_xlabel("ranks")
    for line in axes:
        line[0].set_ylabel("times as fast as one process")
    for axis in axes.flat:
        axis.set_xticks([1, 4, 16, 64, 256, 1024], ["1", "4", "16", "64", "256", "1,024"])
        axis.set_yticks(
            [0.25, 1, 4, 16, 64, 256, 1024], ["¼", "1", "4", "16", "64", "256", "1,024"]
        )
    axes[0, 0].legend(fontsize=8, loc="upper left")
    figure.savefig(path, dpi=110)


def draw_troubles(
    path: Path,
    scale: float,
    saving: float,
    restart: float,
    between: Mapping[int, float],
    seed: int,
) -> None:
    """Draw what late ranks cost, and what failures cost by the time between checkpoints.

    Lines are closed forms, points are simulated. `between` has the mean time between failures of
    the job, by the number of ranks.
    """
    rng = np.random.default_rng(seed)
    figure = Figure((10.0, 3.8), layout="constrained")
    late, failing = figure.subplots(1, 2)
    ranks = [1 << power for power in range(11)]
    kinds = {
        "exponential": (simulate.slowest_exponential, simulate.exponential),
        "lognormal": (simulate.slowest_lognormal, simulate.lognormal),
    }
    for (name, (closed, draws)), colour, style in zip(kinds.items(), COLOURS, STYLES, strict=False):
        percent = [100 * (closed(scale, each) - 1) for each in ranks]
        late.plot(ranks, percent, style, color=colour, label=name)
        found = [simulate.slowest(draws(scale), each, 2000, rng) for each in ranks]
        late.plot(ranks, [100 * (each - 1) for each in found], "o", color=colour, markersize=4)
    late.set_xscale("log", base=2)
    late.set_xticks([1, 4, 16, 64, 256, 1024], ["1", "4", "16", "64", "256", "1,024"])
    late.set_xlabel("ranks")
    late.set_ylabel("longer computing of a step, %")
    late.set_title(f"the slowest rank, if each is late by {scale:.0%} or so", fontsize=10)
    for (count, mean), colour, style in zip(between.items(), COLOURS, STYLES, strict=True):
        best = simulate.daly(saving, mean)
        intervals = best * np.geomspace(1 / 16, 16, 41)
        work = 20 * mean
        percent = [
            100 * (simulate.expected_seconds(work, each, saving, restart, mean) / work - 1)
            for each in intervals
        ]
        failing.plot(intervals / 60, percent, style, color=colour, label=f"{count:,} ranks")
        for each in intervals[::8]:
            found = simulate.wall_seconds(work, each, saving, restart, mean, rng) / work
            failing.plot(each / 60, 100 * (found - 1), "o", color=colour, markersize=4)
        least = simulate.expected_seconds(work, best, saving, restart, mean) / work
        failing.plot(best / 60, 100 * (least - 1), "v", color=colour, markersize=9)
    failing.set_xscale("log")
    failing.set_yscale("log")
    failing.set_xlabel("minutes of work between checkpoints")
    failing.set_ylabel("longer training, %")
    failing.set_title("failures and checkpoints; ▼ the interval by Daly", fontsize=10)
    for axis in (failing.xaxis, failing.yaxis):
        axis.set_major_formatter("{x:g}")
    for axis in (late, failing):
        axis.legend(fontsize=8)
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=110)

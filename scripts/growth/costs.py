"""What a step of a training on R ranks takes, from what its pieces take.

A step is one update by a batch of B rows. Rank r computes one of R parts of it; the gradients are
cut into R stretches, of which each rank gets one from all others, adds them up in the order of a
binary tree, and sends the sum to all: a reduce-scatter and an allgather by direct messages. Their
costs are those of Thakur, Rabenseifner and Gropp (2005), with the latency of messages that are
under way at the same time counted once, as in the LogP model of Culler et al. (1993).

References
----------
R. Thakur, R. Rabenseifner, W. Gropp, "Optimization of collective communication operations in
MPICH", International Journal of High Performance Computing Applications 19(1), 49-66, 2005.

D. Culler et al., "LogP: towards a realistic model of parallel computation", Proceedings of the
fourth ACM SIGPLAN symposium on principles and practice of parallel programming, 1-12, 1993.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

BYTES = 4  # of a number in float32
MESSAGES = 3  # to each other rank in a step: a stretch and the loss, then a sum
EXCHANGES = 2  # in a step, each of which waits for the others


class Network(NamedTuple):
    """A network by the numbers of units of its layers, the inputs first."""

    sizes: tuple[int, ...]

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum((inputs + 1) * units for inputs, units in itertools.pairwise(self.sizes))

    def __str__(self) -> str:
        return "-".join(map(str, self.sizes))


class Pieces(NamedTuple):
    """What the pieces of a step take on one core, in seconds."""

    row: float  # forward and back, for a row of a part
    part: float  # the same for a part, whatever its rows: reading all weights, Python's own work
    walk: float  # over all gradients once, to add, scale or copy them
    update: float  # of all parameters by the optimizer
    target: float  # for a row of the batch on every rank: its target, its place in the order
    metric: float  # for a row of the batch on rank 0: metrics
    fixed: float  # for a step, whatever its rows
    parted: float  # for a step in parts, beside: Python's own work
    digest: float  # of weights and the optimizer's memory, after each epoch


class Link(NamedTuple):
    """What messages between two ranks take, in seconds."""

    latency: float  # until a message begins to arrive
    message: float  # a processor's work for one that is sent and one that is received
    byte: float  # for a byte that is sent while another one is received


def step_seconds(
    ranks: int,
    batch: int,
    network: Network,
    pieces: Pieces,
    link: Link,
    epoch_rows: int = 60_000,
    cores: int | None = None,
) -> float:
    """Return the seconds that a step takes.

    Parameters
    ----------
    ranks : int
        R, each with one part of the batch.
    batch : int
        B, the rows of a batch.
    epoch_rows : int
        The rows of an epoch, after which the ranks compare their weights.
    cores : int, optional
        How many cores there are for all ranks together; None: one for each.
    """
    work = pieces.fixed + pieces.part + math.ceil(batch / ranks) * pieces.row
    work += pieces.update + batch * (pieces.target + pieces.metric)
    if ranks == 1:
        return work
    others = ranks - 1
    work += pieces.parted
    work += (2 + others / ranks) * pieces.walk  # scale the part, add stretches, copy the sum
    work += MESSAGES * others * link.message
    work += (2 * pieces.digest + 2 * others * link.message) * batch / epoch_rows
    shared = 1.0 if cores is None else max(1.0, ranks / cores)
    sent = 2 * others / ranks * network.parameters * BYTES
    predictions = others / ranks * batch * network.sizes[-1] * BYTES
    return shared * work + EXCHANGES * link.latency + (sent + predictions) * link.byte * shared


def speedup(ranks: int, batch: int, network: Network, pieces: Pieces, link: Link) -> float:
    """Return how many times as fast as one process the ranks are."""
    alone = step_seconds(1, batch, network, pieces, link)
    return alone / step_seconds(ranks, batch, network, pieces, link)


def fastest(batch: int, network: Network, pieces: Pieces, link: Link, most: int = 1024) -> int:
    """Return the number of ranks whose step is the shortest."""
    return min(
        range(1, min(most, batch) + 1),
        key=lambda ranks: step_seconds(ranks, batch, network, pieces, link),
    )


def half_used(batch: int, network: Network, pieces: Pieces, link: Link, most: int = 1024) -> int:
    """Return the largest number of ranks of which each does at least half of what one does alone.

    Up to it every number does.
    """
    ranks = 1
    while ranks < min(most, batch):
        if speedup(ranks + 1, batch, network, pieces, link) < 0.5 * (ranks + 1):
            break
        ranks += 1
    return ranks

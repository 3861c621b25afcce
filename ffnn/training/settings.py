"""How `fit` was asked to train: how many rows make a batch, and which epochs are run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.callbacks import CallbackList
from ffnn.core.checks import check_bool, check_choice, check_int, check_number
from ffnn.core.mpi import Ranks
from ffnn.data.batches import Batches, Examples
from ffnn.data.streams import StreamBatches
from ffnn.threads import one_thread
from ffnn.training.accumulation import AccumulatingStep
from ffnn.training.agreement import agree, facts_of, follow
from ffnn.training.distributed import DistributedStep
from ffnn.training.parts import PartedStep
from ffnn.training.position import Position
from ffnn.training.step import TrainStep


class Settings(NamedTuple):
    """Numbers that `fit` was given, checked."""

    batch_size: int
    initial_epoch: int
    epochs: int  # the number of the epoch to stop before, counted from 0
    steps_per_epoch: int | None
    accumulate: int = 1  # batches to an update
    micro_batches: int = 1  # parts of a batch
    workers: int = 1  # threads that compute them
    ranks: Ranks | None = None  # that the parts are shared out among

    @classmethod
    def check(
        cls,
        batch_size: Any,
        initial_epoch: Any,
        epochs: Any,
        steps_per_epoch: Any,
        accumulate: Any,
        micro_batches: Any = 1,
        workers: Any = 1,
        distributed: Any = False,
        timeout: Any = 300.0,
    ) -> Settings:
        """Return them as plain integers; TypeError or ValueError names the one that is wrong."""
        first = check_int("fit", "initial_epoch", initial_epoch, low=0)
        return cls(
            check_int("fit", "batch_size", batch_size, low=1),
            first,
            check_int("fit", "epochs", epochs, low=first),
            None
            if steps_per_epoch is None
            else check_int("fit", "steps_per_epoch", steps_per_epoch, low=1),
            check_int("fit", "accumulate", accumulate, low=1),
            check_int("fit", "micro_batches", micro_batches, low=1),
            check_int("fit", "workers", workers, low=1),
            _open_ranks(check_bool("fit", "distributed", distributed), timeout),
        )

    def check_parts(self, batches: Batches, callbacks: CallbackList) -> None:
        """Raise ValueError if batches cannot be cut into parts as they are to be."""
        parts, rows = self.micro_batches, batches.largest
        if self.workers > parts:
            raise ValueError(
                f"fit: workers={self.workers} share the parts of a batch, and "
                f"micro_batches={parts}; give micro_batches of at least {self.workers}"
            )
        if self.ranks is not None and isinstance(batches, StreamBatches):
            raise ValueError(
                "fit: distributed=True lets each process read its own rows, and x is a stream, "
                "whose rows come in turn; give an array or a file of rows, or train in one process"
            )
        if self.ranks is not None and self.ranks.size > parts:
            raise ValueError(
                f"fit: {self.ranks.size} ranks share the parts of a batch, and "
                f"micro_batches={parts}; give micro_batches of at least {self.ranks.size}"
            )
        if parts == 1:
            return
        if parts > rows:
            raise ValueError(
                f"fit: micro_batches={parts} cuts a batch into more parts than it has rows, "
                f"{rows}; give a larger batch_size or fewer parts"
            )
        if self.accumulate > 1:
            raise ValueError(
                f"fit: give accumulate or micro_batches, not both: one batch of "
                f"batch_size={self.batch_size * self.accumulate} in "
                f"micro_batches={parts * self.accumulate} takes no more memory"
            )
        if callbacks.watches_steps:
            raise ValueError(
                f"fit: micro_batches={parts}, but a callback looks into each step "
                f"(on_forward_end, on_backward_end; Recorder does), and parts of a batch are "
                f"computed apart: train with micro_batches=1, or without it"
            )

    def cut(
        self,
        examples: Examples | StreamBatches,
        shuffling: np.random.Generator | Callable[[Array], Array] | None,
        by_blocks: bool = False,
    ) -> Batches:
        """Return the batches of the examples, in a new order each epoch if it is drawn."""
        if isinstance(examples, StreamBatches):
            if by_blocks:
                raise ValueError("fit: x is a stream, whose order is its own; give no shuffle")
            return examples
        return Batches(examples, self.batch_size, shuffling, self.steps_per_epoch, by_blocks)

    def step_of(self, step: TrainStep, position: Position) -> TrainStep:
        """Return the step that trains from a position on, of the parts of `step`."""
        if self.micro_batches > 1:
            how = {"parts": self.micro_batches, "workers": self.workers}
            if self.ranks is None:
                return PartedStep.of(step, **how)
            distributed = DistributedStep.on(self.ranks, step, **how)
            position.batches.share = distributed.own_rows
            return distributed
        if self.accumulate == 1:
            return step
        batches, done = len(position.batches), position.sums.batches
        return AccumulatingStep.of(step, self.accumulate, batches, done)

    def threads(self) -> AbstractContextManager[None]:
        """Return what limits matrix products to one thread where workers have threads."""
        return one_thread(always=True) if self.micro_batches > 1 else nullcontext()

    @property
    def is_speaker(self) -> bool:
        """Whether this process validates and runs callbacks: it is alone, or rank 0."""
        return self.ranks is None or self.ranks.rank == 0

    def agree(self, model: Any, training: Mapping[str, Any]) -> None:
        """Raise RanksDifferError if the ranks are about to do different work."""
        if self.ranks is not None:
            agree(self.ranks, facts_of(model, training))

    def called_here(self, called: CallbackList) -> CallbackList:
        """Return those that are called by this process, with what keeps the ranks together."""
        return called if self.ranks is None else follow(self.ranks, called)

    def describe(
        self,
        directions: Mapping[str, bool | None],
        steps: int,
        verbose: int | str,
        resumed: bool,
        partial: bool = False,
    ) -> dict[str, Any]:
        """Return the `params` of callbacks, whatever trains.

        `directions` has the name of each number that the training reports, and whether higher is
        better; `steps` are the batches of an epoch.
        """
        return {
            "epochs": self.epochs,
            "initial_epoch": self.initial_epoch,
            "steps": steps,
            "verbose": verbose,
            "resumed": resumed,
            "partial": partial,
            "metrics": list(directions),
            "higher_is_better": dict(directions),
        }


def check_shuffle(shuffle: Any) -> bool:
    """Return whether rows are shuffled by blocks; TypeError or ValueError: it says nothing."""
    if isinstance(shuffle, str):
        return check_choice("fit", "shuffle", shuffle, ["blocks"]) == "blocks"
    check_bool("fit", "shuffle", shuffle)
    return False


def _open_ranks(distributed: bool, timeout: Any) -> Ranks | None:
    """Return the ranks of the job, if the training is to be shared out among them."""
    timeout = check_number("fit", "timeout", timeout, low=0.0, low_open=True)
    return Ranks(timeout) if distributed else None

"""What a diagnosis can find in the record of a training, and in what it came to."""

from __future__ import annotations

from ffnn.diagnostics.catalogue.kinds import Evidence, Kind, first, warning
from ffnn.diagnostics.report import NOTE, PROBLEM, WARNING

BLOWN_UP = (
    "Training at learning rate {learning_rate:.4g} has blown up the weights: {largest_layer} "
    "multiplies its inputs by {gain:.3g} (1 to 4 is usual, above {gain_limit:g} is too much)."
)
LOWER_RATE = (
    "Train again from the start with a lower learning rate, such as learning_rate={lower_rate:.3g} "
    "instead of {learning_rate:.4g}."
)
_STEADIER = (
    "Train with a lower learning rate, such as learning_rate={lower_rate:.3g} instead of "
    "{learning_rate:.4g}, or one that decays (`ffnn.schedules`, `ReduceLROnPlateau`)."
)


def _of_gap(e: Evidence) -> str:
    return WARNING if e["gap"] >= e["limits"][1] or e["loss_gap"] >= 1.0 else NOTE


KINDS = {
    "nothing-learned": Kind(
        lambda e: PROBLEM if e["is_far"] or e["is_blown_up"] else WARNING,
        "a trained model that is no better than a constant answer",
        (
            "After {updates:,} updates the loss on {rows:,} rows is {loss:.4g}; the best constant "
            "answer reaches {chance_loss:.4g}.",
            first(
                share_of_largest="The accuracy is {accuracy:.1%}; always answering with the "
                "largest class reaches {share_of_largest:.1%}."
            ),
            first(is_blown_up=BLOWN_UP),
        ),
        first(
            is_blown_up=LOWER_RATE,
            is_far="Are these rows scaled like those that the model was trained on? If so, train "
            "again from the start, with smaller initial weights or another learning rate.",
            otherwise="Train for more epochs and look at the other findings. If the loss falls at "
            "no learning rate, x may say nothing about y.",
        ),
    ),
    "unfinished-training": Kind(
        lambda e: WARNING if e["is_early"] else NOTE,
        "a loss that was still falling when the training ended",
        (
            "The loss was still falling: in the last {last_epochs} of {epochs} epochs from "
            "{before:.4g} to {end:.4g}, which is {share:.0%} of its whole fall (a note from "
            "{limit:.0%} on).",
            first(is_early="It is still above half of the first epoch's."),
        ),
        "Train for more epochs.",
    ),
    "risen-loss": warning(
        "a training loss that ended far above its best",
        "The training loss rose: it ended at {end:.4g}, after {best:.4g} around epoch {best_epoch} "
        "of {epochs}.",
        first(learning_rate=_STEADIER, otherwise="Train with a lower learning rate."),
    ),
    "unsteady-loss": Kind(
        lambda e: WARNING if e["share"] >= 0.25 else NOTE,
        "a training loss that went up and down",
        "The training loss went up and down: in the second half of the training it rose by a "
        "quarter or more in {setbacks} of {steps} epochs, once from {from_loss:.4g} to "
        "{to_loss:.4g}.",
        first(learning_rate=_STEADIER, otherwise="Train with a lower learning rate."),
    ),
    "overfitting": Kind(
        _of_gap,
        "training rows known much better than validation rows",
        (
            first(
                metric="At the end, {metric} was {score:.4g} in training and {val_score:.4g} in "
                "validation (a note from a difference of {limits[0]:g} on, a warning from "
                "{limits[1]:g} on), and the loss {loss:.4g} and {val_loss:.4g}.",
                otherwise="At the end, the loss was {loss:.4g} in training and {val_loss:.4g} in "
                "validation. The difference is {loss_gap:.2g} of what it was at first or is for a "
                "constant answer (a note from {limits[0]:g} on, a warning from {limits[1]:g} on).",
            ),
            first(
                is_past_best="The validation loss was best in epoch {best_epoch} of {epochs}, with "
                "{best_loss:.4g}."
            ),
        ),
        (
            "Use more rows, Dropout, weight_regularizer='l2' or AdamW, or fewer units.",
            first(
                is_past_best="End the training around epoch {best_epoch}: "
                "EarlyStopping('val_loss', patience=5)."
            ),
        ),
    ),
}

"""What a diagnosis can find in a model and its training."""

from __future__ import annotations

from ffnn.diagnostics.catalogue.kinds import Evidence, Kind, first, note, problem, warning
from ffnn.diagnostics.catalogue.training import BLOWN_UP, LOWER_RATE
from ffnn.diagnostics.report import NOTE, PROBLEM, WARNING

FEW_ROWS = 32  # on fewer, units are silent or saturated by chance


def _of_dead_units(e: Evidence) -> str:
    if e["dead"] == e["units"]:
        return PROBLEM
    return WARNING if e["share"] >= e["limit"] and e["rows"] >= FEW_ROWS else NOTE


def _of_saturated_units(e: Evidence) -> str:
    if e["share"] < e["limit"] or e["rows"] < FEW_ROWS:
        return NOTE
    return PROBLEM if e["share"] >= 0.9 else WARNING


def _of_ratio(e: Evidence) -> str:
    # From 1e7 on, float32 resolves no common step for all layers. The limits are ours.
    return PROBLEM if e["ratio"] > 1e7 else WARNING if e["ratio"] > 1e5 else NOTE


_SCALE_DOWN = (
    "Scale inputs and targets, and start from smaller weights, such as "
    "weight_initializer='glorot_uniform'."
)
_ON_ITS_WAY = (
    "by a factor of {ratio:.1e} on its way back, from {last_norm:.2e} in {last} to {norm:.2e} in "
    "{layer} (a warning from 1e5 on)."
)
_BETTER_RATE = (
    "At {better_learning_rate:.3g} it ended at {better_loss_after:.4g}:",
    first(
        schedule="let {schedule} give about {better_learning_rate:.3g} at this point",
        otherwise="compile with {optimizer}(learning_rate={better_learning_rate:.3g})",
    ),
    "instead of {current_learning_rate:.3g}.",
)

KINDS = {
    "non-finite-weights": problem(
        "NaN or infinity in a layer's parameters",
        "{entries:,} of {parameters:,} parameters of {layer} are NaN or infinite.",
        (
            "Make a new model, or load one that was saved earlier: training cannot repair them.",
            first(learning_rate="Train it at a lower learning rate than {learning_rate:.3g}."),
        ),
    ),
    "non-finite-outputs": problem(
        "a layer or the loss overflows",
        (
            first(
                layer="The output of {layer} is NaN or infinite in {entries:,} entries of a batch, "
                "although inputs and weights are finite.",
                otherwise="All outputs are finite, but the loss is NaN or infinite.",
            ),
            first(is_blown_up=BLOWN_UP),
        ),
        first(
            is_blown_up=LOWER_RATE, otherwise=(_SCALE_DOWN, "dtype='float64' has a wider range.")
        ),
    ),
    "non-finite-gradient": problem(
        "a gradient overflows",
        "The loss is finite, but its gradient with respect to the output of {layer}, before the "
        "activation, is {norm}.",
        _SCALE_DOWN,
    ),
    "small-batches": problem(
        "batches of too few rows for a layer that compares rows",
        (
            first(
                is_trained="The batches of the last training had {batch_rows}",
                otherwise="A batch of these data has {batch_rows}",
            ),
            "of the {needed} rows that {layer} needs: with fewer, its output in training is the "
            "same for all rows, and nothing is learned about the inputs.",
        ),
        "Train with a batch_size of {needed} at least, such as 32, or use LayerNorm() in place of "
        "{layer}, which looks at each row by itself.",
    ),
    "dead-relu": Kind(
        _of_dead_units,
        "ReLU and similar units that are inactive on all rows",
        (
            "{dead} of {units} {activation} units ({share:.0%}) are inactive on all {rows:,} rows "
            "and get no gradient:",
            first(
                problem="the whole layer is dead, and no layer before it can learn.",
                otherwise="units {listed} (a warning from {limit:.0%} on).",
            ),
        ),
        first(
            note="A few are normal: keep them, or use activation='leaky_relu', which lets them "
            "learn.",
            has_zero_weights="Their weights are all 0: use weight_initializer='he_normal'.",
            is_last="A {activation} at the end is stuck once it is dead: end without an "
            "activation, or with 'softplus'.",
            otherwise=(
                first(
                    lower_rate=LOWER_RATE.removesuffix(".") + ",",
                    otherwise="Use weight_initializer='he_normal' and bias_initializer='zeros'",
                ),
                "with scaled inputs, or use activation='leaky_relu', whose gradient is never 0.",
            ),
        ),
    ),
    "saturated-units": Kind(
        _of_saturated_units,
        "sigmoid, tanh and similar units that are nearly always at an end of their range",
        (
            "{saturated} of {units} units ({share:.0%}) are saturated",
            first(is_last="and wrong"),
            "on at least {share_of_rows:.0%} of {rows:,} rows: within 1 % of an end of their "
            "range, where the slope is nearly 0 (a warning from {limit:.0%} of the units on): "
            "units {listed}.",
        ),
        first(
            is_last="End without an activation if targets can be any numbers; for two classes "
            "compile with loss='binary_crossentropy' after 'sigmoid', whose gradient does not "
            "vanish there.",
            otherwise=(
                "Scale the inputs and use weight_initializer='glorot_uniform' and "
                "bias_initializer='zeros', or put LayerNorm() between Dense and Activation.",
                first(is_trained="If they came with training, lower the learning rate."),
            ),
        ),
    ),
    "symmetric-units": Kind(
        lambda e: WARNING if e["is_dropped"] or 2 * e["symmetric"] < e["units"] else PROBLEM,
        "units that are copies of each other and remain so",
        (
            "{symmetric} of {units} units have the same incoming weights, bias and outgoing "
            "weights (in {following}) as another, so they get the same gradient and remain copies.",
            first(is_dropped="Only the masks of Dropout tell them apart."),
            "{largest_group} units act as one: {act_as_one}.",
            first(is_uniform="Their incoming weights are all {weight:.3g}."),
        ),
        "Start {layer} from random weights: weight_initializer='glorot_uniform', or 'he_normal' "
        "before a ReLU, instead of {initializer}. Biases may be 0.",
    ),
    "no-activation": note(
        "two linear maps without an activation between them",
        "Without an activation between {layers[0]} and {layers[1]}, the two are no more than one "
        "linear map.",
        "Give {layer} an activation, such as activation='relu', or leave it out.",
    ),
    "vanishing-gradients": Kind(
        _of_ratio,
        "gradients that shrink from the last layer to the first",
        ("The gradient shrinks", _ON_ITS_WAY, "Layers near the input hardly learn."),
        "Use activation='relu' with weight_initializer='he_normal', put BatchNorm() or LayerNorm() "
        "between Dense and Activation, or use fewer layers.",
    ),
    "exploding-gradients": Kind(
        _of_ratio,
        "gradients that grow from the last layer to the first",
        ("The gradient grows", _ON_ITS_WAY, "One learning rate cannot suit all layers."),
        "Start from smaller weights, such as weight_initializer='he_normal', give the optimizer "
        "clipnorm=1.0, or put LayerNorm() between Dense and Activation.",
    ),
    "one-answer": warning(
        "a trained model that assigns all rows to one class",
        "The model assigns all {rows:,} rows to class {class}, which is right on {accuracy:.1%} of "
        "them; there are {classes} classes.",
        "It has learned only which class is the most frequent. Train for more epochs; if the loss "
        "does not fall, see the other findings, and class_weight of fit for unbalanced classes.",
    ),
    # Karpathy et al., CS231n course notes, "Neural networks 3": the initial loss should be that of
    # chance.
    "loss-above-chance": note(
        "a loss far above that of guessing",
        "The loss is {loss:.3g}; answering with the classes' shares alone gives {chance_loss:.3g} "
        "(a note from twice that on). The model is right on {accuracy:.1%} of the rows and "
        "confident, with a probability above 0.99, on {share_certain:.1%}.",
        first(
            lower_rate=("The training itself ended so far above.", LOWER_RATE),
            otherwise="Before training, start the last layer from smaller weights, such as "
            "weight_initializer='glorot_uniform', on scaled inputs. After training, these rows may "
            "differ from those it was trained on.",
        ),
    ),
    "learning-rate-too-high": Kind(
        lambda e: PROBLEM if e["loss_after"] > e["loss_before"] else WARNING,
        "the loss rises in trial steps",
        (
            "In {steps} trial steps at learning rate {learning_rate:.3g}, on batches of "
            "{batch_rows} rows, the loss began at {loss_before:.4g} and",
            first(
                is_infinite="became infinite or NaN.",
                otherwise="went up to {loss_worst:.4g} and ended at {loss_after:.4g}.",
            ),
            first(
                largest_update="One step changed the weights by up to {largest_update:.1e} of "
                "their size (1e-03 is usual)."
            ),
        ),
        first(
            has_improved=_BETTER_RATE,
            otherwise="No lower rate made the loss fall either: look at the other findings first.",
        ),
    ),
    "learning-rate-was-too-high": Kind(
        lambda e: PROBLEM if e["loss"] > e["chance_loss"] else WARNING,
        "a few updates at a lower rate reach far more than the training",
        "Trained at learning rate {learning_rate:.4g}, the model has a loss of {loss:.4g}. Started "
        "again from its initial weights, it comes to {restarted_loss:.4g} after {steps} updates at "
        "{lower_rate:.3g}, on {rows:,} rows that these have not seen.",
        LOWER_RATE,
    ),
    "learning-rate-too-low": Kind(
        lambda e: NOTE if e["has_ended"] else WARNING,
        "trial steps change nothing, and larger ones do",
        first(
            learning_rate=(
                "In {steps} trial steps at learning rate {learning_rate:.3g}",
                first(schedule="(the highest still to come from the schedule)"),
                "the loss went from {loss_before:.4g} to {loss_after:.4g}. One step changed the "
                "weights by {update_ratio:.1e} of their size (1e-03 is usual, below 1e-05 is too "
                "little).",
            ),
            schedule="The learning rate is 0, and the schedule has no other left: training changes "
            "nothing.",
            otherwise="The learning rate is 0: training changes nothing.",
        ),
        first(
            learning_rate=_BETTER_RATE,
            otherwise="Set one, such as compile(optimizer=Adam(learning_rate=0.001)).",
        ),
    ),
}

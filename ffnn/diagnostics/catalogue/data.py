"""What a diagnosis can find in inputs and targets."""

from __future__ import annotations

from ffnn.diagnostics.catalogue.kinds import Evidence, Kind, first, note, problem, warning
from ffnn.diagnostics.report import NOTE, PROBLEM, WARNING


def _of_scale(e: Evidence) -> str:
    if e.get("is_normalized"):
        return NOTE
    return PROBLEM if e["large"] and e["largest_rms"] > 100.0 else WARNING


_ENCODED = (
    "The model's encoder scales columns by the rows that it was fitted on, and these are other "
    "ones: are they in the same units? If they are right, fit a new encoder on such rows."
)
_NORMALIZE = first(
    is_encoded=_ENCODED,
    normalization="{normalization} was adapted to other data: make a new model that begins with "
    "Normalization().adapt(x_train), where x_train holds the training rows.",
    otherwise="Put Normalization().adapt(x_train) first in the list of layers: it scales each "
    "column to mean 0 and standard deviation 1.",
)
_MADE_FOR_CLASSES = first(
    is_onehot="loss='categorical_crossentropy', which is made for classes.",
    otherwise="loss='binary_crossentropy', which is made for classes.",
)

KINDS = {
    "non-finite-inputs": problem(
        "NaN or infinity in x",
        "{entries:,} entries of x are NaN, infinite or too large for {dtype}, in {rows:,} of "
        "{given_rows:,} rows and in columns {listed}; the first is {first[2]} in row {first[0]}, "
        "column {first[1]}. fit rejects such rows.",
        "Fill in these entries, or leave the rows out: keep = np.isfinite(x).all(axis=1), then "
        "x[keep] and y[keep]. Everything else here is based on the other rows.",
    ),
    "unscaled-inputs": Kind(
        _of_scale,
        "columns far above, or rows far below order 1, after all scaling",
        first(
            large=(
                "{layer} receives columns far from order 1: {large} of {varying} that vary have a "
                "root mean square above {limit:g}. The largest is {largest_rms:.4g}, in column "
                "{place} with values from {low:.4g} to {high:.4g}; the median is {median_rms:.3g}.",
                first(is_normalized="The normalization after {layer} removes the scale again."),
            ),
            otherwise="The rows that {layer} receives are nearly 0: their root mean square length "
            "is {row_length:.3g}, below {limit:g}, and their largest value {largest:.3g}.",
        ),
        first(
            is_encoded=_ENCODED,
            single_scale="Is x scaled already? Then {rescaling} scales it twice: leave that layer "
            "out, or write Rescaling({single_scale:.3g}), which makes the largest value 1.",
            better_scale="Replace {rescaling} by Rescaling({better_scale:.4g}).",
            top="Put Rescaling(1 / {top:g}) first in the list of layers.",
            otherwise=_NORMALIZE,
        ),
    ),
    "uncentred-inputs": warning(
        "columns that vary little compared with their mean",
        "In {far} of {columns} columns that {layer} receives, the mean is more than {limit:g} "
        "standard deviations from 0: column {place} has mean {mean:.4g} and standard deviation "
        "{std:.3g}.",
        _NORMALIZE,
    ),
    "constant-inputs": Kind(
        lambda e: PROBLEM if e["constant"] == e["columns"] else NOTE,
        "columns that never vary",
        first(
            problem="All {columns} columns that {layer} receives are the same on all {rows:,} "
            "rows: the inputs do not tell the rows apart.",
            note="{constant} of {columns} input columns never vary over {rows:,} rows: columns "
            "{listed}.",
        ),
        first(
            problem="Check x: was it filled, and are these the right columns?",
            note="They carry no information. Leave them out, unless they are the border of images.",
        ),
    ),
    "targets-rejected": problem(
        "targets that the loss does not accept, so that `fit` raises an error",
        (
            "The loss does not accept these targets, so fit raises an error: {error}.",
            first(
                non_finite="{non_finite:,} of {targets:,} targets are NaN or infinite.",
                shape="y of shape {shape} ranges from {min:g} to {max:g} in {distinct:,} distinct "
                "values; the network's output dimension is {outputs}.",
            ),
        ),
        first(
            not_numbers="For classes, number them from 0: "
            "names, y = np.unique(y, return_inverse=True).",
            non_finite="Leave such rows out: keep = np.isfinite(y), for several columns "
            ".all(axis=1) of it, then x[keep] and y[keep].",
            fractional="If y is a number to predict and not a class, end in Dense(1) without an "
            "activation and compile with loss='mean_squared_error'.",
            one_column="For class numbers, end in Dense({outputs}, 'softmax') and compile with "
            "loss='categorical_crossentropy'; for one number a row, end in Dense(1).",
            misnumbered="Number the {distinct} classes from 0, as np.unique(y, return_inverse=True)"
            " does, or give the last layer more units, Dense({needed_units}, 'softmax').",
            two_values="Code the two classes as 0 and 1: y = (y == y.max()).astype(int).",
            many_values="For {distinct} classes, end in Dense({distinct}, 'softmax') and compile "
            "with loss='categorical_crossentropy'.",
            other_columns="Give the last layer {columns} units, or bring y into shape "
            "(rows, {outputs}).",
            several_classes="For one class a row, pass class numbers; for several at once, end in "
            "Dense({outputs}, 'sigmoid') and compile with loss='binary_crossentropy'.",
            otherwise="For probabilities, scale y into [0, 1]; for other numbers, end in a Dense "
            "without an activation and compile with loss='mean_squared_error'.",
        ),
    ),
    "targets-out-of-range": Kind(
        lambda e: PROBLEM if e["outside"] > 0.01 * e["targets"] else WARNING,
        "targets that the last activation cannot reach",
        "{outside:,} of {targets:,} targets ({share:.1%}) lie outside [{range[0]:.3g}, "
        "{range[1]:.3g}], the range of {ending}; targets range from {min:.4g} to {max:.4g}.",
        first(
            is_bounded="End without an activation instead of {ending}, or scale y into its range.",
            otherwise="End without an activation instead of {ending}.",
        ),
    ),
    "class-numbers": Kind(
        lambda e: WARNING if e["are_integers"] else NOTE,
        "class numbers with a loss that measures distances",
        "The targets are the {classes} integers from {min:g} to {max:g}, as class numbers are, but "
        "{loss} measures distances: class 2 would lie between 1 and 3.",
        "For classes, number them from 0, end in Dense({classes}, 'softmax') and compile with "
        "loss='categorical_crossentropy'. For counts or grades this is right as it is.",
    ),
    "linear-ending": warning(
        "classes with such a loss, and no probabilities at the end",
        "The targets are {classes} classes, but the network ends with {ending} and {loss}, which "
        "counts right answers beyond 0 and 1 as wrong.",
        (
            first(is_onehot="End in activation='softmax'", otherwise="End in activation='sigmoid'"),
            "and compile with",
            _MADE_FOR_CLASSES,
        ),
    ),
    "class-loss": note(
        "classes with such a loss after a sigmoid or softmax",
        "The targets are {classes} classes, but the network ends with {ending} and {loss}, whose "
        "gradient is nearly 0 where an answer is confidently wrong.",
        ("Compile with", _MADE_FOR_CLASSES),
    ),
    "continuous-labels": note(
        "numbers with a loss for two classes",
        "{between:,} of {rows:,} targets lie between 0 and 1, in {distinct:,} distinct values: "
        "these are numbers rather than two classes.",
        "For probabilities this is right. For other numbers, end without an activation and compile "
        "with loss='mean_squared_error'.",
    ),
    "constant-targets": problem(
        "the same target on all rows",
        "All {rows:,} rows have the same target, {value:g} in the first column: there is nothing "
        "to learn.",
        "Check y: is it the right column?",
    ),
    "unscaled-targets": warning(
        "targets far from order 1 that are not learned yet",
        "The targets are far from the size of initial outputs, about 1: in column {column} the "
        "root mean square is {rms:.3g}, outside [{limits[0]:g}, {limits[1]:g}], and the standard "
        "deviation {std:.3g}.",
        "Train on (y - y.mean(axis=0)) / y.std(axis=0), and multiply predictions by that standard "
        "deviation and add that mean.",
    ),
    "one-class": problem(
        "rows of one class only",
        "All {rows:,} rows are of class {class}, one of {classes} that the model tells apart: "
        "there is nothing to learn.",
        "Use rows of all classes. Were these cut out of a sorted file? Shuffle before splitting.",
    ),
    "missing-classes": note(
        "classes without rows",
        "Of {classes} classes that the model tells apart, these have no rows: {missing}.",
        "If there are no such classes, number the others from 0 and end in "
        "Dense({present}, 'softmax').",
    ),
    "unbalanced-classes": note(
        "one class far more frequent than another",
        "The largest class, {largest}, has {most:,} rows and the smallest, {smallest}, has "
        "{fewest:,}: {ratio:.0f} to 1 (a note from {limit:g} to 1 on). Always answering with the "
        "largest is right on {share_of_largest:.1%} of the rows.",
        "To give all classes the same total weight, fit(class_weight={{{class_weight}}}); judge by "
        "metrics=['f1'].",
    ),
}

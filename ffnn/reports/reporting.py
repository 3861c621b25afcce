"""`Reporting`: a network that says how well it answers, and what its answers depend on.

Each method passes the model to the module that does the work, which is imported when it is first
needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ffnn.visualization.drawn import Drawn

if TYPE_CHECKING:
    from ffnn.reports.base import Report
    from ffnn.reports.contributions import Contributions
    from ffnn.reports.dependence import PartialDependence
    from ffnn.reports.importance import Importance


class Reporting(Drawn):
    """A network that trains and draws itself, and reports on its answers.

    Users hold a `ffnn.Sequential`. What the methods return is printed as text, shown by a notebook
    as a page, and has ``save("page.html")`` and ``plot()``. The model stays as it is.
    """

    def report(self, x: Any, y: Any = None) -> Report:
        """Return how well the model answers on rows whose targets are known.

        It has the scores beside those of a constant prediction, and the mistakes that the model is
        most confident of. Of classes: precision, recall and F1 of each, the confusion matrix, ROC
        and precision-recall curves, and the calibration; of several labels a row the same for each
        label. Of numbers: R² and mean errors, residuals, and the error by range of the target.

        What a row of targets is follows from the loss and the last activation. A loss on numbers,
        such as the squared error, stands for classes if the model has `class_names` or a metric
        such as accuracy.

        Parameters
        ----------
        x, y
            As for `evaluate`, such as the test rows. The targets of a table may be its column that
            the model's encoder knows; rows without one are left out.

        Returns
        -------
        ClassReport, LabelReport or NumberReport
            Print it, look at it in a notebook, or take its ``save("report.html")`` or ``plot()``.

        Raises
        ------
        RuntimeError
            The model is not compiled or not built.
        DataError
            The data does not fit, there are no targets, or an output is not finite.

        Examples
        --------
        >>> report = model.report(x_test, y_test)
        >>> report.scores["accuracy"] > 0.8
        True
        >>> report.save("report.html")
        """
        from ffnn.reports.reported import report

        return report(self, x, y)

    def permutation_importance(
        self,
        x: Any,
        y: Any = None,
        repeats: int = 5,
        seed: int = 0,
        columns: Sequence[str | int] | None = None,
    ) -> Importance:
        """Return how much worse the model answers where a column tells nothing.

        The entries of one column after the other are shuffled among the rows, and the score falls
        by as much as the model relies on the column: the accuracy, of several labels that of each,
        or R². A column of a table is shuffled as it stands, with all that the encoder makes of it.
        Where two columns tell the same, each may seem unimportant. At most 10,000 rows are used: of
        more, as many are drawn at random.

        Parameters
        ----------
        x, y
            As for `evaluate`, such as the test rows.
        repeats : int, default 5
            How often each column is shuffled, in the same orders as the others.
        seed : int, default 0
            Makes the orders repeatable.
        columns : sequence of str or int, optional
            The names of the columns, or their numbers, counted from 0; by default all. More than
            100 have to be named.

        Returns
        -------
        Importance
            Mean and standard deviation of each column's drops.

        Raises
        ------
        RuntimeError
            The model is not compiled or not built.
        DataError
            The data does not fit.
        ValueError, TypeError
            An argument is wrong, or there are too many columns.

        Examples
        --------
        >>> importance = model.permutation_importance(x_test, y_test, columns=[0, 20])
        >>> bool(importance.mean[0] == 0.0 < importance.mean[1])  # column 0 is always 0
        True
        """
        from ffnn.reports.importance import permutation_importance

        return permutation_importance(self, x, y, repeats, seed, columns)

    def partial_dependence(self, x: Any, column: str | int) -> PartialDependence:
        """Return what the model answers on average where a column has one entry in all rows.

        Numbers and dates are set to the entries of rows at 20 quantiles from 5 to 95 %, or to each
        if there are no more; others to each entry, of many the 20 most frequent ones. Where columns
        depend on one another, rows are made so that never occur. At most 10,000 rows are used: of
        more, as many are drawn at random.

        Parameters
        ----------
        x
            As for `predict`. Of a model with an encoder, the rows of a table.
        column : str or int
            The column's name, or its number, counted from 0.

        Returns
        -------
        PartialDependence
            The mean outputs for each entry.

        Raises
        ------
        RuntimeError
            The model is not compiled or not built.
        DataError
            The data does not fit, or the column's entries are not known.
        ValueError, TypeError
            There is no such column.

        Examples
        --------
        >>> dependence = model.partial_dependence(x_test, 20)
        >>> dependence.values.shape == (len(dependence.points), 10)
        True
        """
        from ffnn.reports.dependence import partial_dependence

        return partial_dependence(self, x, column)

    def contributions(
        self, x: Any, baseline: Any = None, output: str | int | None = None
    ) -> Contributions:
        """Return what each column of each row contributes to the model's answer.

        By integrated gradients the difference of the outputs for a row and for a baseline is shared
        out among the columns. The output is that of `predict`: the probability of a class, since
        that is what the model says, and since it is defined whatever the network ends with, as
        logits are not; or a number in the unit of the target. The integral is refined until the
        contributions add up to the difference within 1 %; if that cannot be, the result says so.
        All features that the encoder makes of a column count together; categories that are embedded
        are changed along the straight line between their vectors.

        Parameters
        ----------
        x
            As for `predict`.
        baseline : optional
            What the rows are compared with: a row, or several, over which the contributions are
            averaged, in a form that `predict` takes. By default the typical row that the encoder
            knows, with medians and most frequent entries of the training; without an encoder zeros,
            which is the mean of scaled columns, and black in pictures.
        output : str or int, optional
            The name or the number of the class, label or output to explain. By default it is the
            class that the model predicts for the row; of several labels or numbers it is needed.

        Returns
        -------
        Contributions
            `values`, of shape (rows, columns), and what they add up to.

        Raises
        ------
        RuntimeError
            The model is not compiled or not built.
        DataError
            The data does not fit.
        ValueError, TypeError
            There is no such output, or none was chosen.

        References
        ----------
        Sundararajan, Taly, Yan, "Axiomatic attribution for deep networks", ICML 2017.

        Examples
        --------
        >>> contributions = model.contributions(x_test[:2])
        >>> contributions.values.shape
        (2, 64)
        """
        from ffnn.reports.contributions import contributions

        return contributions(self, x, baseline, output)

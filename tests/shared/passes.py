"""Passes of the machine with a bug in them."""

import inspect
import textwrap


def with_bug(function, right, wrong):
    """Return a function that has `wrong` wherever its body has `right`."""
    source = textwrap.dedent(inspect.getsource(function))
    source = source[source.index("def ") :]
    head, body = source.split('"""', 1)[0], source.rsplit('"""', 1)[1]
    assert body.count(right) >= 1
    names = dict(function.__globals__)
    exec(f"{head.rstrip()}{body.replace(right, wrong)}", names)
    return names[function.__name__]

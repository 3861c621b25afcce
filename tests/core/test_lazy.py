"""Names of packages that are loaded when they are first used."""

import subprocess
import sys

import pytest

import ffnn.exchange
import ffnn.reports
from ffnn.core.lazy import loader


@pytest.mark.parametrize("package", [ffnn.exchange, ffnn.reports])
def test_all_names_of_a_package_can_be_had(package):
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match=rf"module '{package.__name__}' has no attribute 'x'"):
        package.x  # noqa: B018


def test_a_module_is_loaded_when_a_name_of_it_is_used():
    code = """
import sys, ffnn.exchange
assert "ffnn.exchange.c_source" not in sys.modules
ffnn.exchange.to_c
assert "ffnn.exchange.c_source" in sys.modules
assert "ffnn.exchange.onnx_writer" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_come_from_their_homes():
    assert loader("json", {"JSONDecoder": "decoder"})("JSONDecoder").__name__ == "JSONDecoder"

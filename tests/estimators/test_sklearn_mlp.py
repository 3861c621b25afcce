"""scikit-learn's own tests of its networks, from the installed package, with the import changed.

That is what a user does who changes to ffnn, so messages that users match on are tested as well.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is an extra")

import sklearn
from sklearn import neural_network

TESTS = Path(neural_network.__file__).parent / "tests" / "test_mlp.py"
IMPORT = "from sklearn.neural_network import MLPClassifier, MLPRegressor"
OURS = "from ffnn.estimators import FFNNClassifier as MLPClassifier, FFNNRegressor as MLPRegressor"

# They put a network together out of private attributes of scikit-learn's classes, or read them.
PRIVATE = (
    "test_fit",
    "test_gradient",
    "test_n_iter_no_change",
    "test_n_iter_no_change_inf",
)

if not TESTS.exists():
    pytest.skip("scikit-learn is installed without its tests", allow_module_level=True)
if tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9):
    pytest.skip("tests of scikit-learn before 1.9 know fewer parameters", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def global_random_seed():
    return 42


source = TESTS.read_text(encoding="utf-8")
assert source.count(IMPORT) == 1
exec(compile(source.replace(IMPORT, OURS), str(TESTS), "exec"), globals())
for name in PRIVATE:
    globals().pop(name, None)

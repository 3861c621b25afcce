"""All that is wrong with a table, or with what is said of it, is told in one message."""

import itertools

import pytest

import ffnn
from ffnn.core.problems import Problems

ONCE = ("--epochs", 1, "--hidden", 4)
ROWS = range(30)
COLUMNS = {
    "age": [str(i) for i in ROWS],
    "size": ["SML"[i % 3] for i in ROWS],
    "wood": [["oak", "elm"][i % 2] for i in ROWS],
    "when": [f"2024-01-{i + 1:02d}" for i in ROWS],
    "cost": [f"{i}.5" for i in ROWS],
}

# What is wrong in a training: the options, and what is to be told of it.
TRAIN = {
    "target": (["--target", "csot"], "'csot' (did you mean 'cost'?)"),
    "constant": (["--target", "flat"], "target 'flat' is '7' in every row"),
    "exclude": (["--exclude", "agee"], "'agee' (did you mean 'age'?)"),
    "excluded target": (["--exclude", "cost"], "--exclude names 'cost', which is the target"),
    "only": (["--only", "gaps", "--only", "wod"], "'wod' (did you mean 'wood'?)"),
    "unknown kind": (["--kind", "sise=category"], "'sise' (did you mean 'size'?)"),
    "date": (["--kind", "size=date"], "column 'size' is to be a date, but its values are not"),
    "number": (["--kind", "stray=number"],
        "column 'stray' is to be a number, but 1 of 30 values are not numbers, the first 'n/a?' in"
        " line 6"),
    "boolean": (["--kind", "age=boolean"], "column 'age' is to be a boolean, but"),
    "two kinds": (["--kind", "wood=text", "--kind", "wood=date"],
        "column 'wood' is to be a text and a date"),
    "missing": (["--missing", "error"], "values are missing in 'gaps' (1 row)"),
}  # fmt: skip
CONFLICTS = [{"target", "constant", "excluded target"}]  # of which there is one at a time


def write(path, columns):
    lines = map(",".join, [columns, *zip(*columns.values(), strict=True)])
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "names",
    [
        names
        for size in (2, 3)
        for names in itertools.combinations(TRAIN, size)
        if not any(len(conflict & {*names}) > 1 for conflict in CONFLICTS)
    ],
    ids="+".join,
)
def test_train_tells_all_at_once(run, tmp_path, problems_of, names):
    columns = {
        **{name: COLUMNS[name] for name in ("age", "size", "wood")},
        "stray": ["n/a?" if i == 4 else str(i) for i in ROWS],
        "gaps": ["" if i == 9 else str(i % 4) for i in ROWS],
        "flat": ["7"] * 30,
        "cost": COLUMNS["cost"],
    }
    path, model = write(tmp_path / "d.csv", columns), tmp_path / "m.h5"
    options = [option for name in names for option in TRAIN[name][0]]
    code, out, err = run("train", path, *options, *ONCE, "--out", model)
    assert (code, out) == (2, "")
    assert not model.exists()
    problems, _ = problems_of(err)
    assert len(problems) == len(names)
    for name in names:
        assert [problem for problem in problems if TRAIN[name][1] in problem]


# What is wrong in rows for a model: how the columns are changed, and what is to be told of it.
PREDICT = {
    "number": ({"age": ["1", "old"]},
        "column 'age' is a number, but 1 of 2 values are not numbers, the first 'old' in line 3"),
    "date": ({"when": ["soon", "2024-01-05"]},
        "column 'when' is a date, but 1 of 2 values are not dates, the first 'soon' in line 2"),
    "boolean": ({"is_new": ["yes", "maybe"]},
        "column 'is_new' has 'yes', 'no', got 'maybe' in line 3"),
    "absent": ({"wood": None}, "'wood'"),
    "absent too": ({"size": None}, "'size'"),
    "target": ({"cost": ["dear", "1.5"]}, "target 'cost' is a number, but 1 of 2 values are not"),
    "missing": ({"gaps": ["", "2"]}, "values are missing in 'gaps' (1 row)"),
}  # fmt: skip


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """Return a model that has learned from columns of all kinds."""
    from ffnn.cli import main

    folder = tmp_path_factory.mktemp("learned")
    columns = {
        **COLUMNS,
        "is_new": [["yes", "no"][i % 2] for i in ROWS],
        "gaps": ["" if i == 9 else str(i % 4) for i in ROWS],
    }
    path = write(folder / "d.csv", columns)
    options = ["--target", "cost", "--quiet", "--out", folder / "m.h5"]
    assert main([*map(str, ["train", path, *options, *ONCE])]) == 0
    return folder / "m.h5"


@pytest.mark.parametrize("command", ["predict", "evaluate"])
@pytest.mark.parametrize(
    "names",
    [names for size in (2, 3) for names in itertools.combinations(PREDICT, size)],
    ids="+".join,
)
def test_a_model_tells_all_at_once(run, tmp_path, learned, command, names):
    columns = {name: entries[:2] for name, entries in COLUMNS.items()}
    columns |= {"is_new": ["no", "yes"], "gaps": ["1", "2"]}
    for name in names:
        columns |= PREDICT[name][0]
    path = write(tmp_path / "d.csv", {n: each for n, each in columns.items() if each is not None})
    options = ["--missing", "error"] if "missing" in names else []
    out_file = ["--out", tmp_path / "p.csv"] if command == "predict" else []
    code, out, err = run(command, learned, path, *options, *out_file)
    assert (code, out) == (2, "")
    assert not (tmp_path / "p.csv").exists()
    for name in names:
        if command == "evaluate" or name != "target":
            assert PREDICT[name][1] in " ".join(err.split())


def test_python_tells_all_at_once(tmp_path):
    columns = COLUMNS | {"flat": ["7"] * 30}
    with pytest.raises(ffnn.DataError) as caught:
        ffnn.tables.TableEncoder().fit(columns, "flat", exclude=["agee"], only=["wod", "size"])
    assert caught.value.problems == (
        "exclude: there is no column 'agee' (did you mean 'age'?)",
        "only: there is no column 'wod' (did you mean 'wood'?)",
        "target 'flat' is '7' in every row: there is nothing to learn",
    )
    path = write(tmp_path / "d.csv", columns)
    with pytest.raises(ffnn.DataError, match=r"d\.csv: 3 problems:\n- column 'age' ") as caught:
        ffnn.tables.read_table(path, kinds={"age": "date", "wood": "number", "aeg": "text"})
    assert len(caught.value.problems) == 3


def test_problems_are_told_once_each_and_cut():
    problems = Problems("d.csv")
    assert not problems
    problems.check()
    for i in range(60):
        problems.add(f"cell {i} is\n wrong", "look at it")
        problems.add(f"cell {i} is wrong", "look at it")
    with pytest.raises(ffnn.DataError) as caught:
        problems.check()
    lines = str(caught.value).splitlines()
    assert lines[:2] == ["d.csv: 60 problems:", "- cell 0 is wrong"]
    assert lines[-3:] == ["- cell 49 is wrong", "- and 10 more problems", "look at it"]


def test_what_is_said_is_told_of_a_file_that_cannot_be_read_too(run, tmp_path, problems_of):
    path = tmp_path / "d.csv"
    code, _, err = run("train", path, "--kind", "a=text", "--kind", "a=date")
    assert code == 2
    kinds, file = problems_of(err)[0]
    assert kinds == "--kind: column 'a' is to be a text and a date"
    assert file == "there is no such file"

"""Tables of any form, through the command line: what is printed, kept, and refused."""

import gzip
import re
import sys

import numpy as np
import pytest

import ffnn
from tests.tables.test_files import EXPECTED, FILES
from tests.tables.test_shapes import SHAPES

ONCE = ("--epochs", 1, "--hidden", 4)


def columns_of(out):
    """Return the columns in the table that is printed: name to kind, missing, distinct, becomes."""
    lines = out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("column "))
    found = {}
    for line in lines[start + 1 :]:
        match = re.fullmatch(r"(.*?)  +(\w+) +([\d,]+) +([\d,]+)  (\S.*)", line)
        if match is None and not line.startswith("  "):
            break
        if match is not None:
            found[match[1].strip()] = match.groups()[1:]
    return found


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


@pytest.fixture
def model(tmp_path):
    return tmp_path / "m.h5"


@pytest.mark.filterwarnings("ignore:.*not clearly better")
@pytest.mark.parametrize("name", EXPECTED)
def test_each_kind_of_file_trains_with_no_option_but_the_target(run, name):
    expected = EXPECTED[name]
    target = ["--target", expected["target"]] if expected["target"] else []
    code, out, err = run("train", FILES / name, *target, *ONCE)

    assert code == 0, err
    assert max(map(len, out.splitlines())) <= 80
    assert f"read {expected['rows']} rows, used {expected['used']}" in out
    columns = columns_of(out)
    for column, kind in expected.get("kinds", {}).items():
        assert columns[column][0] == kind
    for column, reason in expected.get("ignored", {}).items():
        assert columns[column or "(no name)"][::3] == ("ignore", f"left out: {reason}")
    assert [c[3] for c in columns.values()].count("the target") == 1
    if expected["task"] == "regression":
        assert re.search(r"^baseline r2: 0\.0000 \(always the mean [\d.]+\)\ntest r2: ", out, re.M)
    else:
        classes = expected.get("classes", [])
        assert not classes or f": {', '.join(classes)}" in out
        assert re.search(r"^baseline accuracy: .* \(always '.*'\)\ntest accuracy: ", out, re.M)


@pytest.mark.parametrize("name", SHAPES)
def test_well_known_shapes_train(run, tmp_path, name):
    text, target, task, expected = SHAPES[name]
    path = write(tmp_path / "d.csv", text)
    code, out, err = run("train", path, *(["--target", target] if target else []), *ONCE)
    assert code == 0, err
    assert ("\nclasses of " in out) == (task == "classification")
    columns = {n: c[0] for n, c in columns_of(out).items()}
    assert (
        columns.items() >= {n or "(no name)": k.split(":")[0] for n, k in expected.items()}.items()
    )


def test_what_is_not_used_is_said(run, tmp_path):
    out = run("train", FILES / "missing.csv", *ONCE)[1]
    assert "read 48 rows, used 46: 2 lack the target 'cost'\n" in out
    assert columns_of(out)["age"][:3] == ("number", "10", "26")
    out = run("train", FILES / "rare_class.csv", "--target", "label", *ONCE)[1]
    assert "note: class 'other' has 1 row" in out
    out = run("train", FILES / "sentinels.csv", *ONCE)[1]
    assert "note: column 'probe': -200 in 8 of 48 rows may stand for a missing value:" in out
    assert "--missing-value '-200'" in out
    out = run("train", FILES / "sentinels.csv", *ONCE, "--missing-value", "-200")[1]
    assert columns_of(out)["probe"][:2] == ("number", "8")
    out = run("train", FILES / "ids.csv", *ONCE)[1]
    assert "--kind NAME=KIND" in " ".join(out.split())
    rows = "".join(f"{i},{'ab'[i % 2]},{'x' if i == 3 else 'w'}\n" for i in range(20))
    path = write(tmp_path / "d.csv", "n,kind,rare\n" + rows)
    seed = next(s for s in range(99) if 3 in np.random.default_rng(s).permutation(20)[:4])
    out = run("train", path, "--target", "kind", "--seed", seed, *ONCE)[1]
    assert "note: constant in the training rows: 'rare'\n" in out
    rows = rows.replace("3,b,x", "3,c,w")
    path = write(tmp_path / "d.csv", "n,kind,rare\n" + rows)
    out = run("train", path, "--target", "kind", "--seed", seed, "--exclude", "rare", *ONCE)[1]
    assert "note: class 'c' has 1 row, none of them to train on\n" in out


def test_quiet_prints_none_of_it(run):
    out = run("train", FILES / "missing.csv", "--quiet", *ONCE)[1]
    assert [line.split(":")[0] for line in out.splitlines()] == [
        "test mean squared error",
        "test r2",
    ]


def test_names_out_of_a_file_run_nothing_in_a_terminal(run, tmp_path):
    name, rows = "a\x1b[31m" + "x" * 90, "".join(f"{i},{i * i}\n" for i in range(20))
    out = run("train", write(tmp_path / "d.csv", f"{name},y\n{rows}"), *ONCE)[1]
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_table_of_many_columns_is_cut(run, tmp_path):
    rng = np.random.default_rng(0)
    rows = [",".join(map(str, row)) for row in rng.normal(size=(20, 100)).round(3)]
    header = ",".join(f"c{i}" for i in range(100))
    out = run("train", write(tmp_path / "d.csv", "\n".join([header, *rows])), *ONCE)[1]
    assert "\nand 40 more columns\n" in out
    assert "c59 " in out
    assert "c60 " not in out


# -- missing values ----------------------------------------------------------------------------


def test_missing_values_are_filled_in_dropped_or_refused(run, model, assert_one_line):
    path = FILES / "missing.csv"
    assert run("train", path, *ONCE, "--missing", "impute", "--out", model)[0] == 0
    assert ffnn.load_model(model).encoder.encodings[1].has_missing
    for given, used in ([], 32), (["--exclude", "age"], 39), (["--only", "wood"], 46):
        out = run("train", path, *ONCE, "--missing", "drop", *given)[1]
        assert f"read 48 rows, used {used}: 2 lack the target 'cost'" in out
    assert "7 lack a value in column 'city'" in run(
        "train", path, *ONCE, "--missing", "drop", "--exclude", "age"
    )[1].replace("\n  ", " ")
    code, out, err = run("train", path, *ONCE, "--missing", "error")
    assert (code, out) == (2, "")
    assert_one_line(err, "'cost' (2 rows), 'age' (9 rows), 'city' (7 rows)", "--missing drop")
    assert_one_line(err, "--missing impute", "--exclude")


def test_saved_models_fill_in_drop_or_refuse_as_well(run, model, assert_one_line):
    path = FILES / "missing.csv"
    run("train", path, *ONCE, "--out", model)
    assert len(run("predict", model, path)[1].splitlines()) == 49  # the target is not needed
    code, out, err = run("predict", model, path, "--missing", "drop")
    assert (code, len(out.splitlines())) == (0, 34)
    assert err == (
        "ffnn: note: read 48 rows, used 33: 15 lack a value (10 in column 'age', 7 in column "
        "'city')\n"
    )
    assert run("predict", model, path, "--missing", "error")[0] == 2
    for command in ("evaluate", "report", "diagnose", "gradcheck"):
        code, out, _ = run(command, model, path)
        assert code == 0
        assert out.startswith("read 48 rows, used 46: 2 lack the target 'cost'\n")


# -- what is kept in the model -----------------------------------------------------------------

COMMA = "größe;preis;y\n1.234;0,5;a\n5.678,5;1,5;b\n2;2.000;a\n3;1;b\n4;2;a\n5;3,25;b\n"


@pytest.mark.parametrize("command", ["predict", "evaluate", "diagnose", "gradcheck"])
def test_how_a_file_was_read_is_kept(run, tmp_path, model, command):
    path = write(tmp_path / "d.csv", COMMA, "cp850")
    options = ("--decimal", ",", "--encoding", "cp850", "--delimiter", ";")
    assert run("train", path, *options, *ONCE, "--out", model)[0] == 0
    encoder = ffnn.load_model(model).encoder
    assert encoder.reading == {"decimal": ",", "encoding": "cp850", "delimiter": ";"}
    assert [each.name for each in encoder.encodings] == ["größe", "preis"]
    expected = run(command, model, path)
    assert expected[0] == 0
    # the same values in another form, which the options say
    other = COMMA.replace(".", "").replace(",", ".").replace(";", "|")
    path = write(tmp_path / "d.csv", other, "utf-8")
    options = ("--decimal", ".", "--encoding", "utf-8", "--delimiter", "|")
    assert run(command, model, path, *options) == expected
    assert run(command, model, path)[0] == 2


def test_a_file_without_a_header(run, tmp_path, model):
    text = "".join(f"{'ab'[i % 2]}{i % 3},{i},{'yn'[i % 2]}\n" for i in range(30))
    path = write(tmp_path / "d.data", text)
    assert run("train", path, "--no-header", *ONCE, "--out", model)[0] == 0
    encoder = ffnn.load_model(model).encoder
    assert encoder.reading == {"header": False}
    assert encoder.target.name == "column_3"
    one = write(tmp_path / "one.data", "b1,7,y\n")
    assert len(run("predict", model, one)[1].splitlines()) == 2
    assert "one.data: 1 row\n" in run("evaluate", model, one)[1]


def test_columns_are_found_by_name(run, tmp_path, model):
    lines = (FILES / "text_columns.csv").read_text(encoding="utf-8").splitlines()
    run("train", FILES / "text_columns.csv", *ONCE, "--out", model)
    expected = run("predict", model, FILES / "text_columns.csv")[1]
    shuffled = [",".join([*line.split(",")[::-1], str(i)]) for i, line in enumerate(lines)]
    path = tmp_path / "other.csv.gz"
    path.write_bytes(gzip.compress("\n".join(shuffled).encode()))
    assert run("predict", model, path)[1] == expected
    scores = run("evaluate", model, FILES / "text_columns.csv")[1].splitlines()[1:]
    assert run("evaluate", model, path)[1].splitlines()[1:] == scores


def test_another_target_can_be_compared_with(run, tmp_path, model, assert_one_line):
    text = "a,y\n" + "".join(f"{i},{'pq'[i % 2]}\n" for i in range(20))
    run("train", write(tmp_path / "d.csv", text), *ONCE, "--out", model)
    expected = run("evaluate", model, tmp_path / "d.csv")
    other = "".join(line.replace(",", ",?,") for line in text.splitlines(True)[1:])
    write(tmp_path / "d.csv", "a,y,z\n" + other)
    assert run("evaluate", model, tmp_path / "d.csv", "--target", "z") == expected
    code, _, err = run("evaluate", model, tmp_path / "d.csv")
    assert code == 2
    assert_one_line(err, "no row is left of 20: 20 lack the target 'y'")


def test_the_summary_has_the_columns_of_the_file(run, model):
    run("train", FILES / "ids.csv", *ONCE, "--out", model)
    out = run("summary", model)[1]
    assert "\ncolumns: size, age, wood, city, smokes\ntarget: cost\n" in out


def test_kinds_are_kept_as_encodings(run, tmp_path, model):
    text = "code,when,y\n" + "".join(f"{i % 4},{i % 2},{i}.5\n" for i in range(40))
    path = write(tmp_path / "d.csv", text)
    kinds = ("--kind", "code=category", "--kind", "when=boolean")
    assert run("train", path, *kinds, *ONCE, "--out", model)[0] == 0
    encodings = ffnn.load_model(model).encoder.encodings
    assert [each.kind for each in encodings] == ["category", "boolean"]
    assert run("predict", model, path)[0] == 0


@pytest.mark.parametrize(
    ("kind", "task"), [("number", "regression"), ("category", "classification")]
)
def test_the_kind_of_the_target_is_its_task(run, tmp_path, kind, task, assert_one_line):
    path = write(tmp_path / "d.csv", "a,y\n" + "".join(f"{i},{i % 3}\n" for i in range(24)))
    out = run("train", path, "--kind", f"y={kind}", *ONCE)[1]
    assert ("classes of 'y': 0, 1, 2" in out) == (task == "classification")
    assert run("train", path, "--kind", f"y={kind}", "--task", task, *ONCE)[0] == 0
    other = {"regression": "classification", "classification": "regression"}[task]
    code, _, err = run("train", path, "--kind", f"y={kind}", "--task", other)
    assert code == 2
    assert_one_line(err, f"--kind: the target 'y' cannot be of kind {kind} for --task {other}")


# -- what is refused ---------------------------------------------------------------------------

GOOD = "age,size,cost\n" + "".join(f"{i},{'SML'[i % 3]},{i}.5\n" for i in range(12))
ODD = GOOD.replace("\n4,", "\nn/a?,").replace("\n7,", "\nold,")
REFUSED = {
    "no such target": (GOOD, ["--target", "csot"], ["'csot'", "did you mean 'cost'", "'age'"]),
    "several names": (GOOD, ["--exclude", "sise", "--exclude", "ag"],
        ["exclude: there are no columns 'sise' (did you mean 'size'?), 'ag' (did you mean 'age'?); "
         "the columns are"]),
    "a constant target": ("a,b\n1,x\n2,x\n", [], ["'b' is 'x' in every row"]),
    "a target of different texts": ("a,b\n1,x\n2,y\n", [], ["different in every row"]),
    "one column": ("a\n1\n2\n", [], ["no column is left", "delimiter"]),
    "nothing left": (GOOD, ["--exclude", "age", "--exclude", "size"], ["'age' (excluded)"]),
    "a kind that does not fit": (ODD, ["--kind", "age=number"],
        ["'age' is to be a number, but 2 of 12 values are not numbers, the first 'n/a?' in "
         "line 6"]),
    "a kind of no column": (GOOD, ["--kind", "aeg=text"], ["'aeg'", "did you mean 'age'"]),
    "a target that is ignored": (GOOD, ["--kind", "cost=ignore"],
        ["the target 'cost' cannot be of kind ignore"]),
    "no row without a gap": ("a,b,y\n1,,1.5\n,2,2.5\n", ["--missing", "drop"],
        ["no row is left of 2", "2 lack a value (1 in column 'a', 1 in column 'b')"]),
    "one class without gaps": ("a,y\n1,x\n,z\n3,x\n,z\n", ["--missing", "drop"],
        ["'y' is 'x' in every row"]),
    "text as numbers": (GOOD, ["--target", "size", "--task", "regression"], ["'size'", "'S'"]),
    "an encoding with a mark": (GOOD, ["--encoding", "utf-16"], ["utf-16", "does not start"]),
    "a wrong encoding": (GOOD + "é", ["--encoding", "ascii"], ["0xc3", "ascii"]),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_2_before_any_training(run, tmp_path, model, name, assert_one_line):
    text, options, parts = REFUSED[name]
    path = write(tmp_path / "d.csv", text)
    code, out, err = run("train", path, *options, "--out", model)
    assert (code, out) == (2, "")
    assert_one_line(err, *parts)
    assert not model.exists()


@pytest.mark.parametrize(("suffix", "module"), [(".parquet", "duckdb"), (".xlsx", "openpyxl")])
def test_a_file_that_needs_the_extra_says_so(
    run, tmp_path, monkeypatch, suffix, module, assert_one_line
):
    monkeypatch.setitem(sys.modules, module, None)
    code, out, err = run("train", write(tmp_path / f"d{suffix}", "PAR1"))
    assert (code, out) == (2, "")
    assert_one_line(err, f"needs {module}", "pip install 'ffnn[tables]'")


@pytest.mark.parametrize("suffix", ["json", "jsonl", "parquet", "xlsx"])
def test_other_files_train_too(run, tmp_path, model, suffix, last_number):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip({"parquet": "pyarrow", "xlsx": "openpyxl"}.get(suffix, "pandas"))
    if suffix == "parquet":
        pytest.importorskip("duckdb")
    frame = pandas.DataFrame(
        {"size": ["S", "M", None, "S"] * 10, "age": range(40), "cost": [1.5, 2.5] * 20}
    )
    path = tmp_path / f"d.{suffix}"
    if suffix.startswith("json"):
        frame.to_json(path, orient="records", lines=suffix == "jsonl")
    else:
        getattr(frame, {"parquet": "to_parquet", "xlsx": "to_excel"}[suffix])(path, index=False)
    code, out, err = run("train", path, *ONCE, "--out", model)
    assert code == 0, err
    assert "read 40 rows, used 40\n" in out
    last_number(run("evaluate", model, path)[1], "test r2")


def test_a_saved_model_refuses_rows_that_it_cannot_read(
    run, tmp_path, model, assert_one_line, problems_of
):
    run("train", write(tmp_path / "d.csv", GOOD), *ONCE, "--out", model)
    code, out, err = run("predict", model, write(tmp_path / "d.csv", ODD.replace("size", "sise")))
    assert (code, out) == (2, "")
    (odd, absent), hints = problems_of(err)
    assert "'age' is a number, but 2 of 12 values" in odd
    assert "'n/a?' in line 6" in odd
    assert absent == "there is no column 'size' (did you mean 'sise'?)"
    assert hints == ["the columns are 'age', 'sise', 'cost'"]
    code, out, err = run("evaluate", model, write(tmp_path / "d.csv", GOOD + "3,S,?!\n"))
    assert (code, out) == (2, "")
    assert_one_line(err, "target 'cost' is a number", "1 of 13 values", "'?!' in line 14")

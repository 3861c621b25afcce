"""How a table was read when it was learned from need not be said again to any command."""

import pytest

ONCE = ("--epochs", 2, "--hidden", 4)
ROWS = range(40)
PLAIN = "code;size;y\n" + "".join(f"{i % 5};{'SML'[i % 3]};{i}.5\n" for i in ROWS)

# The file, in bytes, and the options without which it would be read in another way.
FILES = {
    "--delimiter": (
        "a,1|b,2|y,3\n" + "".join(f"{i},5|{i % 7},25|{i},5\n" for i in ROWS), ["--delimiter", "|"]),
    "--encoding": (
        "größe;y\n" + "".join(f"{'äöü'[i % 3]};{i}.5\n" for i in ROWS), ["--encoding", "cp850"]),
    "--decimal": (
        "a;y\n" + "".join(f"{i + 1}.{i + 100};{i + 1}.250\n" for i in ROWS), ["--decimal", ","]),
    "--missing-value": (
        PLAIN.replace("\n3;S;", "\nTotal;S;").replace("M;", "n.d.;"),
        ["--missing-value", "Total", "--missing-value", "n.d."]),
    "--no-header": (
        "a;y\n" + "".join(f"{'ab'[i % 2]};{'xy'[i % 2]}\n" for i in ROWS), ["--no-header"]),
    "--kind": (PLAIN, ["--kind", "code=category"]),
    "--exclude": (PLAIN, ["--exclude", "code"]),
    "--only": (PLAIN, ["--only", "size"]),
    "--missing": (PLAIN.replace("\n3;", "\n;"), ["--missing", "drop"]),
}  # fmt: skip
READING = ("--delimiter", "--encoding", "--decimal", "--missing-value", "--no-header")


@pytest.fixture
def learned(run, tmp_path):
    """Train on a file with its options; return the model, the file and the options."""

    def learned(name):
        text, options = FILES[name]
        path, model = tmp_path / "d.csv", tmp_path / "m.h5"
        path.write_bytes(text.encode("cp850"))
        code, _, err = run("train", path, *options, *ONCE, "--out", model)
        assert code == 0, err
        return model, path, options

    return learned


@pytest.mark.filterwarnings("ignore:.*not clearly better")
@pytest.mark.parametrize("command", ["predict", "evaluate", "diagnose", "gradcheck", "report"])
@pytest.mark.parametrize("name", FILES)
def test_no_option_is_repeated(run, learned, name, command):
    model, path, options = learned(name)
    plain = run(command, model, path)
    assert plain[0] == 0, plain[2]
    if name in READING:
        assert run(command, model, path, *options) == plain
    rows = len(path.read_bytes().splitlines()) - (name != "--no-header")
    if command == "predict":
        assert len(plain[1].splitlines()) == rows + 1


@pytest.mark.parametrize("name", READING)
def test_the_option_made_a_difference(run, learned, name):
    _, path, options = learned(name)
    code, out, _ = run("train", path, *options, *ONCE)
    assert code == 0
    assert run("train", path, *ONCE)[1] != out

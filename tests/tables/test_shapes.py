"""Files of the shape of well-known ones, made by hand."""

import gzip
import zipfile

import numpy as np
import pytest

import ffnn
from ffnn.tables import TableEncoder, read_table


def write(tmp_path, text, name="table.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def kinds(table):
    return {c.name: c.kind + (f":{c.reason}" if c.reason else "") for c in table.columns}


TITANIC = """PassengerId,Survived,Pclass,Name,Sex,Age,Ticket,Fare,Cabin,Embarked
""" + "".join(
    f'{i},{i % 2},{i % 3 + 1},"Doe{i}, Mr. J. ""Jo""",{"male" if i % 3 else "female"},'
    f"{'' if i % 5 == 0 else 20 + i},A/5 {2000 + 7 * i},{7.25 + i},{'C85' if i % 4 == 0 else ''},"
    f"{'SCQ'[i % 3]}\n"
    for i in range(1, 41)
)
HOUSES = "Id,MSZoning,LotFrontage,Alley,Street,YearBuilt,SalePrice\n" + "".join(
    f"{i},{'RL' if i % 3 else 'RM'},{'NA' if i % 4 == 0 else 60 + i},NA,Pave,"
    f"{1900 + i},{1000 * i}\n"
    for i in range(1, 41)
)
ADULT = "".join(
    f"{20 + i}, {'Private' if i % 3 else '?'}, {100000 + 37 * i}, "
    f"{'Bachelors' if i % 2 else '11th'}, {'>50K' if i % 4 else '<=50K'}\n"
    for i in range(40)
)
MUSHROOMS = "class,cap-shape,odor\n" + "".join(
    f"{'ep'[i % 2]},{'xbf'[i % 3]},{'nap'[i % 3]}\n" for i in range(40)
)
INSURANCE = "age,sex,bmi,children,smoker,region,charges\n" + "".join(
    f"{18 + i},{'female' if i % 2 else 'male'},{20 + i / 7:.3f},{i % 4},"
    f"{'no' if i % 5 else 'yes'},{'southwest' if i % 3 else 'northeast'},{1000.5 + 13 * i}\n"
    for i in range(40)
)
WINE = '"fixed acidity";"pH";"quality"\n' + "".join(
    f"{7 + i / 10};3.{10 + i};{3 + i % 4}\n" for i in range(60)
)
PLANES = '"","tailnum","year","type","engines","speed"\n' + "".join(
    f'"{i}","N{10000 + i}",{1990 + i % 20},"Fixed wing {"multi" if i % 2 else "single"} engine",'
    f"{1 + i % 2},{'NA' if i % 9 else 90}\n"
    for i in range(1, 41)
)
IRIS = "".join(
    f"5.{i % 10},3.{i % 7},1.{i % 5},0.{i % 3},Iris-{'setosa' if i % 2 else 'virginica'}\n"
    for i in range(40)
)

SHAPES = {
    "titanic": (TITANIC, "Survived", "classification", {
        "PassengerId": "ignore:identifier", "Pclass": "number", "Name": "ignore:identifier",
        "Sex": "category", "Age": "number", "Fare": "number", "Cabin": "category",
    }),
    "house prices": (HOUSES, "SalePrice", "regression", {
        "Id": "ignore:identifier", "MSZoning": "category", "LotFrontage": "number",
        "Alley": "ignore:empty", "Street": "ignore:constant", "YearBuilt": "number",
    }),
    "adult": (ADULT, None, "classification", {
        "column_1": "number", "column_2": "category", "column_3": "number",
        "column_4": "category", "column_5": "category",
    }),
    "mushrooms": (MUSHROOMS, "class", "classification", {
        "class": "category", "cap-shape": "category", "odor": "category",
    }),
    "insurance": (INSURANCE, "charges", "regression", {
        "age": "number", "sex": "category", "bmi": "number", "children": "number",
        "smoker": "boolean", "region": "category",
    }),
    "wine quality": (WINE, "quality", "classification", {
        "fixed acidity": "number", "pH": "number", "quality": "number",
    }),
    "planes": (PLANES, "type", "classification", {
        "": "ignore:index", "tailnum": "ignore:identifier", "year": "number",
        "type": "category", "engines": "number",
    }),
    "iris": (IRIS, None, "classification", {
        "column_1": "number", "column_4": "number", "column_5": "category",
    }),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_well_known_shapes(tmp_path, name):
    text, target, task, expected = SHAPES[name]
    table = read_table(write(tmp_path, text))
    assert expected.items() <= kinds(table).items()
    encoder = TableEncoder().fit(table, target or table.names[-1])
    assert encoder.target.task == task
    assert np.isfinite(encoder.transform(table)).all()


BASE = "size,age,cost\nM,1.5,10\nS,2.5,20\nM,3.5,30\n"
FORMS = {
    "utf-16": lambda p: p.write_bytes(BASE.encode("utf-16")),
    "utf-16 without a mark": lambda p: p.write_bytes(BASE.encode("utf-16-le")),
    "zip": lambda p: zipfile.ZipFile(p, "w").writestr("inner.csv", BASE),
    "gzip": lambda p: p.write_bytes(gzip.compress(BASE.encode())),
    "blank lines": lambda p: p.write_text(BASE.replace("\n", "\n\n")),
    "no last line end": lambda p: p.write_text(BASE.rstrip()),
    "spaces around": lambda p: p.write_text(BASE.replace(",", " , ")),
    "title": lambda p: p.write_text("A title\n\n" + BASE),
    "comments within": lambda p: p.write_text("# one\n" + BASE.replace("S,2", "# two\nS,2")),
    "header as comment": lambda p: p.write_text("#" + BASE),
    "spaced quotes": lambda p: p.write_text(BASE.replace("M,", '"M" ,')),
    "single quotes": lambda p: p.write_text(
        BASE.replace("size,age,cost", "'size','age','cost'")
        .replace("M,", "'M',")
        .replace("S,", "'S',")
    ),
    "euro": lambda p: p.write_text(BASE.replace("1.5", "€ 1.50").replace("2.5", "€ 2.50")),
    "units": lambda p: p.write_text(BASE.replace(".5", ".5 kg")),
    "trailing semicolons": lambda p: p.write_text(BASE.replace(",", ";").replace("\n", ";\n")),
    "footnote": lambda p: p.write_text(BASE + "Source: invented\n"),
}


@pytest.mark.parametrize("form", FORMS)
def test_other_forms_of_one_table(tmp_path, form):
    FORMS[form](tmp_path / "table.csv")
    table = read_table(tmp_path / "table.csv")
    assert [name.lstrip("#") for name in table.names] == ["size", "age", "cost"]
    assert table.columns[0].array.tolist() == ["M", "S", "M"]
    np.testing.assert_array_equal(table["age"].array, [1.5, 2.5, 3.5])
    np.testing.assert_array_equal(table["cost"].array, [10.0, 20.0, 30.0])


NUMBERS = {
    "1,234.5|-2": [1234.5, -2.0],
    "1.234,5|2,25": [1234.5, 2.25],
    "1 234,5|7,0": [1234.5, 7.0],
    "1'234.50|3": [1234.5, 3.0],
    "$5|($1,200)": [5.0, -1200.0],
    "-$5|+$7": [-5.0, 7.0],
    "\u22125|7": [-5.0, 7.0],
    "5 %|12.5 %": [5.0, 12.5],
    "1e5|200000": [1e5, 2e5],
    "1,5|2,5": [1.5, 2.5],
    "1,500|2,500": [1500.0, 2500.0],
    ".5|5.": [0.5, 5.0],
    "12 kg|-": [12.0, np.nan],
}


@pytest.mark.parametrize("entries", NUMBERS)
def test_numbers_as_people_write_them(tmp_path, entries):
    lines = [f"{letter};{entry}" for letter, entry in zip("abcd", entries.split("|"), strict=False)]
    path = write(tmp_path, "letter;n\n" + "\n".join(lines) + "\n")
    np.testing.assert_array_equal(read_table(path)["n"].array, NUMBERS[entries])


@pytest.mark.parametrize(
    "entries",
    [
        "01204|1204",
        "1e5|100000x",
        "1_000|2",
        "inf|1",
        "9e999|1 kg",
        "5 kg|5 m",
        "1.2.3|4",
        "10:30|11:45",
    ],
)
def test_what_is_no_number(tmp_path, entries):
    text = "letter;n\n" + "".join(
        f"{'ab'[i % 2]};{e}\n" for i, e in enumerate(entries.split("|") * 9)
    )
    assert read_table(write(tmp_path, text))["n"].kind != "number"


@pytest.mark.parametrize(
    ("entries", "note"),
    [
        (["1.5", "n/a?", "old"], "2 of 53 values are not numbers, the first 'n/a?' in line 53"),
        (["01204"], ""),
        ([f"x{i}" for i in range(9)], ""),
    ],
)
def test_a_column_that_is_almost_one_of_numbers_is_pointed_out(tmp_path, entries, note):
    numbers = [str(1000 + i) for i in range(50)]
    path = write(tmp_path, "a,n\n" + "".join(f"x,{e}\n" for e in [*numbers, *entries]))
    assert read_table(path)["n"].note.split(";")[0] == note


def test_numbers_that_later_turn_out_to_be_codes(tmp_path):
    rows = "".join(f"{i},{i % 7}\n" for i in range(1, 20_000))
    table = read_table(write(tmp_path, "n,code\n" + rows + "5,07\n"))
    assert table["code"].kind == "category"
    assert table["code"].array[-1] == "07"
    assert table["n"].array[:3].tolist() == [1.0, 2.0, 3.0]
    assert table.num_rows == 20_000


def test_some_rows_of_a_table_keep_their_kinds(tmp_path):
    path = write(tmp_path, "a,b,c,y\n1,x,5 kg,1\n2,,7 kg,0\n3,x,-,1\n4,z,1 kg,2\n")
    table = read_table(path, kinds={"y": "category"})
    some = table.take(np.array([3, 1]))
    assert kinds(some) == kinds(table)
    assert some["a"].array.tolist() == [4.0, 2.0]
    assert some["b"].array.tolist() == ["z", None]
    assert some["c"].array.tolist() == [1.0, 7.0]
    assert some["y"].array.tolist() == ["2", "0"]
    assert some["a"].values is some["a"].raw.numbers  # not twice in memory


def test_options_come_before_rules(tmp_path):
    path = write(tmp_path, "a;b\n1;1,5\n0;2,5\n1;1,500\n")
    table = read_table(path, decimal=".", delimiter=";", kinds={"a": "boolean", "b": "category"})
    assert kinds(table) == {"a": "boolean", "b": "category"}
    assert read_table(path, header=False).num_rows == 4
    assert read_table(path, decimal=",")["b"].array.tolist() == [1.5, 2.5, 1.5]


BAD = {
    "": "empty file",
    "a,b\n": "below the header line, got none; if that line is a row",
    "a,b\n1,2\n3,4,5\n": "line 3 has 3",
    'a,b\n1,"2\n3,4\n': "quote",
}


@pytest.mark.parametrize("text", BAD)
def test_files_that_are_no_tables(tmp_path, text):
    with pytest.raises(ffnn.DataError, match=BAD[text]):
        read_table(write(tmp_path, text))


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"a,b\n1,\x00\x01\n")
    with pytest.raises(ffnn.DataError, match="NUL"):
        read_table(tmp_path / "t.csv")
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n")[:-4])
    with pytest.raises(ffnn.DataError, match="damaged"):
        read_table(tmp_path / "t.csv.gz")
    with pytest.raises(ffnn.DataError, match="no such file"):
        read_table(tmp_path / "none.csv")


def test_all_columns_that_cannot_be_what_was_asked_for_are_listed(tmp_path):
    path = write(tmp_path, BASE)
    asked = {"size": "number", "age": "date", "weight": "number"}
    with pytest.raises(ffnn.DataError) as error:
        read_table(path, kinds=asked)
    for part in ("column 'size'", "'M', 'S'", "column 'age'", "no column 'weight'"):
        assert part in str(error.value)


def test_json(tmp_path):
    rows = '{"size": "M", "age": 1.5, "cost": 10}\n{"size": "S", "age": 2.5, "cost": null}\n'
    lines = read_table(write(tmp_path, rows, "t.jsonl"))
    array = "[" + rows.strip().replace("\n", ",") + "]"
    objects = read_table(write(tmp_path, array, "t.json"))
    columns = read_table(
        write(tmp_path, '{"size": ["M", "S"], "age": [1.5, 2.5], "cost": [10, null]}', "c.json")
    )
    for table in (lines, objects, columns):
        assert table["size"].array.tolist() == ["M", "S"]
        np.testing.assert_array_equal(table["cost"].array, [10.0, np.nan])
    with pytest.raises(ffnn.DataError, match="line 2: this is not valid JSON"):
        read_table(write(tmp_path, '{"a": 1}\n{"a"\n', "t.jsonl"))


def test_equal_names_are_numbered_however_many_there_are(tmp_path):
    names = ["c", "c_2", "c", "c", "d"] + ["e"] * 20_000
    path = write(tmp_path, ",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")
    found = read_table(path).names
    assert found[:5] == ("c", "c_2", "c_3", "c_4", "d")
    assert found[5:7] == ("e", "e_2")
    assert len(set(found)) == len(names)

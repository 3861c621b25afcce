"""CSV tables, and the line and the column in every error."""

from __future__ import annotations

import numpy as np
import pytest

from ffnn.datasets import load_csv, load_csv_features
from ffnn.errors import DataError

IRIS = "sepal,petal,species\n5.1,1.4,setosa\n7,4.7,versicolor\n6.3,6e0,virginica\n-.5,1,setosa\n"


@pytest.fixture
def write(tmp_path):
    def write_file(text, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write_file


class TestCsv:
    def test_text_targets_become_sorted_classes(self, write):
        table = load_csv(write(IRIS))
        x = np.array([[5.1, 1.4], [7, 4.7], [6.3, 6], [-0.5, 1]])
        np.testing.assert_array_equal(table.x, x, strict=True)
        np.testing.assert_array_equal(table.y, np.array([0, 1, 2, 0], dtype=np.int64), strict=True)
        assert table.feature_names == ("sepal", "petal")
        assert table.class_names == ("setosa", "versicolor", "virginica")
        assert table.target_name == "species"

    def test_classes_are_sorted_not_in_order_of_appearance(self, write):
        table = load_csv(write("a,b\n1,z\n2,a\n"))
        assert table.class_names == ("a", "z")
        assert table.y.tolist() == [1, 0]

    @pytest.mark.parametrize(
        ("texts", "dtype"),
        [
            (["3", "-1"], np.int64),
            (["3", "1.5"], np.float64),
            (["3", "1e2"], np.float64),
            (["3", "1" + 30 * "0"], np.float64),
        ],
    )
    def test_numeric_targets_stay_numbers(self, write, texts, dtype):
        table = load_csv(write(f"a,b\n1,{texts[0]}\n2,{texts[1]}\n"))
        assert table.y.dtype == dtype
        assert table.y.tolist() == [float(text) for text in texts]
        assert table.class_names is None

    def test_a_target_may_be_named_anywhere(self, write):
        table = load_csv(write("a,b,c\n1,2,3\n4,5,6\n"), target="b")
        assert table.x.tolist() == [[1, 3], [4, 6]]
        assert table.y.tolist() == [2, 5]
        assert table.feature_names == ("a", "c")
        assert table.target_name == "b"

    def test_features_come_in_the_order_asked_for(self, write):
        table = load_csv(write("a,b,c,t\n1,x,3,0\n4,y,6,1\n"), feature_names=["c", "a"])
        assert table.x.tolist() == [[3, 1], [6, 4]]
        assert table.feature_names == ("c", "a")

    def test_given_classes_fix_the_indices(self, write):
        table = load_csv(write("a,t\n1,b\n2,a\n"), class_names=["c", "b", "a"])
        assert table.y.tolist() == [1, 2]
        assert table.class_names == ("c", "b", "a")

    def test_given_classes_may_look_like_numbers(self, write):
        table = load_csv(write("a,t\n1,3\n2,x\n3,7\n"), class_names=["3", "7", "x"])
        assert table.y.tolist() == [0, 2, 1]

    @pytest.mark.parametrize(
        "text",
        [
            b"\xef\xbb\xbfa,b,t\n1,2,0\n3,4,1\n",
            "a,b,t\r\n1,2,0\r\n3,4,1\r\n",
            "a , b, t \n1, 2, 0\n 3 , 4 , 1 \n",
            '"a","b","t"\n"1","2","0"\n3, "4", "1"\n',
            "a,b,t\n1,2,0\n3,4,1",
            "\na,b,t\n\n1,2,0\n3,4,1\n\n\n",
        ],
        ids=["bom", "crlf", "spaces", "quotes", "no last newline", "blank lines"],
    )
    def test_dialects_read_alike(self, write, text):
        table = load_csv(write(text))
        assert table.feature_names == ("a", "b")
        assert table.x.tolist() == [[1, 2], [3, 4]]
        assert table.y.tolist() == [0, 1]
        assert table.y.dtype == np.int64

    def test_spaces_around_classes_do_not_make_new_classes(self, write):
        assert load_csv(write("a,t\n1, x\n2,x \n3,x\n")).class_names == ("x",)

    def test_quoted_fields_may_hold_delimiters_quotes_and_lines(self, write):
        table = load_csv(write('"a, b",t\n1,"x, ""y""\nz"\n2,w\n'))
        assert table.feature_names == ("a, b",)
        assert table.class_names == ("w", 'x, "y"\nz')

    def test_other_delimiters(self, write):
        assert load_csv(write("a;t\n1;2\n"), delimiter=";").x.tolist() == [[1]]
        assert load_csv(write("a\tt\n1\t2\n"), delimiter="\t").y.tolist() == [2]

    def test_sums_that_overflow_are_no_fault(self, write):
        assert load_csv(write("a,b,t\n1e308,1e308,0\n")).x.tolist() == [[1e308, 1e308]]

    @pytest.mark.parametrize(
        "text", ["", " ", "?", "NA", "NA ", "n/a", "NaN", "nan", "null", "NULL"]
    )
    @pytest.mark.parametrize("column", ["a", "t"])
    def test_rows_with_missing_values_raise_or_go(self, write, text, column):
        fields = f"{text},5" if column == "a" else f"5,{text}"
        path = write(f"a,t\n1,2\n{fields}\n3,4\n")
        with pytest.raises(DataError) as caught:
            load_csv(path)
        assert f"{path}, line 3, column '{column}': a value is missing, got" in str(caught.value)
        assert "choose to drop such rows" in str(caught.value)
        table = load_csv(path, missing="drop")
        assert table.x.tolist() == [[1], [3]]
        assert table.y.tolist() == [2, 4]
        assert table.y.dtype == np.int64

    def test_missing_values_in_columns_not_read_do_no_harm(self, write):
        assert load_csv(write("a,b,t\n1,,2\n"), feature_names=["a"]).x.tolist() == [[1]]

    def test_an_unknown_policy_is_refused(self, write):
        for load in (load_csv, load_csv_features):
            with pytest.raises(ValueError, match="missing must be one of error, drop, got 'skip'"):
                load(write("a,t\n1,2\n"), missing="skip")

    FAULTS = {  # noqa: RUF012
        "too few fields": ("a,b,t\n1,2,3\n1,2\n", "line 3: expected 3 fields, .* got 2"),
        "too many fields": ("a,b,t\n1,2,3,4\n", "line 2: expected 3 fields, .* got 4"),
        "after quoted lines": ('a,t\n1,"x\ny"\nz,x\n', "line 4, column 'a': .* got 'z'"),
        "after blank lines": ("a,t\n\n\nz,x\n", "line 4, column 'a': .* got 'z'"),
        "text": ("a,b,t\n1,2,3\n1,tall,3\n", "line 3, column 'b': expected a number, got 'tall'"),
        "underscore": ("a,t\n1_000,3\n", "line 2, column 'a': expected a number, got '1_000'"),
        "infinity": ("a,t\n1,2\ninf,2\n", "line 3, column 'a': expected a finite .* 'inf'"),
        "overflow": ("a,t\n1e999,2\n", "line 2, column 'a': expected a finite .* '1e999'"),
        "both infinities": ("a,b,t\ninf,-inf,2\n", "line 2, column 'a': expected a finite"),
        "signed nan": ("a,t\n-nan,2\n", "line 2, column 'a': expected a finite .* '-nan'"),
        "infinite target": ("a,t\n1,2\n1,inf\n", "line 3, column 't': expected a finite"),
        "mixed target": (
            "a,t\n1,2\n1,two\n",
            "line 3, column 't': .* got 'two'.* names of all classes",
        ),
        "mixed, text first": ("a,t\n1,two\n1,2\n", "line 2, column 't': .* got 'two'"),
        "same name twice": ("a,b,a,t\n1,2,3,4\n", "line 1: columns 1 and 3 are both named 'a'"),
        "name empty": (",a,t\n1,2,3\n", "line 1: column 1 of 3 has no name"),
        "name blank": ("a, ,t\n1,2,3\n", "line 1: column 2 of 3 has no name"),
        "no header": ("5.1,1.4,0\n7,4.7,1\n", "line 1: expected a header .* numbers '5.1', '1.4'"),
        "empty": ("", "expected a header line and rows below it, got an empty file"),
        "blank": ("\n\n", "expected a header line and rows below it, got an empty file"),
        "header only": ("a,t\n", "expected rows below the header line, got none"),
        "one column": ("t\n1\n", "expected one or more feature columns besides the target 't'"),
        "semicolons": ("a;t\n1;2\n", "line 1: .*one column 'a;t'; is ';' the delimiter"),
        "open quote": ('a,t\n1,2\n"3,4\n5,6\n', "line 3: this is not valid CSV"),
        "text after quote": ('a,t\n"1"0,2\n', "line 2: this is not valid CSV"),
        "not UTF-8": (b"a,t\n1,x\n2,caf\xe9\n", "line 3: expected UTF-8 text, got the byte 0xe9"),
        "UTF-16": ("a,t\n1,2\n".encode("utf-16"), "line 1: expected UTF-8 text, got the byte 0xff"),
    }

    @pytest.mark.parametrize("fault", FAULTS)
    def test_faults_are_told_with_their_place(self, write, fault):
        text, message = self.FAULTS[fault]
        path = write(text)
        with pytest.raises(DataError, match=f"(?s){message}") as caught:
            load_csv(path)
        assert str(caught.value).startswith(str(path))

    def test_far_lines_are_counted_right(self, write):
        lines = ["a,t"] + ["1,x"] * 20_000
        lines[15_000] = "1,é"
        with pytest.raises(DataError, match="line 15001: expected UTF-8 text"):
            load_csv(write("\n".join(lines).encode("latin-1")))
        lines[15_000] = "z,x"
        with pytest.raises(DataError, match="line 15001, column 'a'"):
            load_csv(write("\n".join(lines)))

    def test_an_unknown_target_names_the_nearest_and_all(self, write):
        message = r"no column 'Specis' \(did you mean 'species'\?\); the columns are 'sepal', 'pet"
        with pytest.raises(DataError, match=message):
            load_csv(write(IRIS), target="Specis")

    def test_unknown_features_are_named_with_the_nearest(self, write):
        message = r"no column 'PETAL' \(did you mean 'petal'\?\), 'q'; the columns"
        with pytest.raises(DataError, match=message):
            load_csv(write(IRIS), feature_names=["PETAL", "q", "sepal"])

    def test_long_lists_of_columns_are_cut(self, write):
        names = [f"c{i}" for i in range(300)]
        path = write(",".join(names) + "\n" + ",".join("1" * 300) + "\n")
        with pytest.raises(DataError, match=r"'c11' and 288 more$"):
            load_csv(path, target="x")
        with pytest.raises(DataError, match=r"'x11' .* and 288 more") as caught:
            load_csv_features(path, [f"x{i}" for i in range(300)])
        assert "'x12'" not in str(caught.value)

    def test_an_unknown_class_is_told_with_its_place(self, write):
        message = r"line 3, column 't': unknown class 'setsa' \(did you mean 'setosa'\?\)"
        with pytest.raises(DataError, match=message):
            load_csv(write("a,t\n1,setosa\n2,setsa\n"), class_names=["setosa", "other"])

    def test_the_target_is_no_feature(self, write):
        with pytest.raises(DataError, match="besides the target 'species', got 'petal', 'species'"):
            load_csv(write(IRIS), feature_names=["petal", "species"])

    def test_dropping_every_row_is_an_error(self, write):
        with pytest.raises(DataError, match="every row lacks a value"):
            load_csv(write("a,t\n,2\n1,\n"), missing="drop")

    @pytest.mark.parametrize("load", [load_csv, load_csv_features])
    def test_files_that_cannot_be_opened_are_named(self, tmp_path, load):
        with pytest.raises(DataError, match=r"nothing\.csv: there is no such file"):
            load(tmp_path / "nothing.csv")
        with pytest.raises(DataError, match="cannot be read"):
            load(tmp_path)


class TestCsvFeatures:
    def test_order_is_the_models_and_other_columns_are_left_aside(self, write):
        x = load_csv_features(write(IRIS), ("petal", "sepal"))
        expected = np.array([[1.4, 5.1], [4.7, 7], [6, 6.3], [1, -0.5]])
        np.testing.assert_array_equal(x, expected, strict=True)

    def test_all_columns_without_names(self, write):
        assert load_csv_features(write("a,b\n1,2\n3,4\n")).tolist() == [[1, 2], [3, 4]]

    def test_one_column_is_enough(self, write):
        assert load_csv_features(write("a\n1\n2\n")).tolist() == [[1], [2]]

    def test_a_column_that_is_missing_is_named(self, write):
        with pytest.raises(DataError, match=r"no column 'sepals' \(did you mean 'sepal'\?\)"):
            load_csv_features(write(IRIS), ["sepals"])

    def test_faults_are_told_with_their_place(self, write):
        with pytest.raises(DataError, match="line 2, column 'species': expected a number"):
            load_csv_features(write(IRIS), ["sepal", "species"])

    def test_missing_values_raise_or_go(self, write):
        path = write("a,b\n1,\n3,4\n")
        with pytest.raises(DataError, match="line 2, column 'b': a value is missing"):
            load_csv_features(path)
        assert load_csv_features(path, missing="drop").tolist() == [[3, 4]]

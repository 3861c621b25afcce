"""In which encoding a file of text is read that is not UTF-8."""

import pytest

from ffnn.tables import read_table
from ffnn.tables.detection import LABELS

# Words as they stand in files of some countries.
WORDS = {
    "cp1252": ["Größe Köln Straße", "café élève À propos", "niño mañana", "5 € 12 °C µg/m³ 85 m²",
               "Æøå Tromsø", "São Paulo ação coração", "“quoted” – it’s", "Français Genève"],
    "cp1250": ["Łódź Wrocław żółty", "Mały średni duży Władysław", "Příjmení Město žluťoučký"],
    "cp1251": ["возраст город курит цена", "Москва Казань да нет", "ПРИВЕТ МИР"],
    "cp1253": ["Αθήνα Θεσσαλονίκη ηλικία πόλη"],
    "mac_roman": ["Größe Köln Müller café"],
    "cp850": ["Größe Köln Müller élève"],
    "koi8_r": ["возраст город курит Москва"],
    "cp932": ["年齢 都市 費用 東京 大阪", "カタカナ ひらがな 札幌"],
    "cp949": ["나이 도시 비용 서울 부산"],
    "gb18030": ["年龄 城市 费用 北京 上海", "广州市 深圳 是 否"],
    "big5": ["年齡 城市 費用 臺北 高雄"],
}  # fmt: skip
CASES = [(encoding, words) for encoding, all_words in WORDS.items() for words in all_words]


@pytest.mark.parametrize(("encoding", "words"), CASES)
def test_words_of_many_countries_are_read_as_they_were_written(tmp_path, encoding, words):
    path = tmp_path / "t.csv"
    entries = words.split()
    rows = "".join(f"{entries[i % len(entries)]},{i % 7},{i}.5\n" for i in range(40))
    path.write_bytes(f"{entries[0]} name,n,y\n{rows}".encode(encoding))
    table = read_table(path)
    assert table.names[0] == f"{entries[0]} name"
    assert table.columns[0].array[: len(entries)].tolist() == entries
    assert table.notes[0].startswith(f"read as {LABELS[encoding]}, as the byte 0x")
    assert read_table(path, encoding=encoding).columns[0].array[0] == entries[0]


def test_bytes_that_fit_no_encoding_are_latin_1(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,y\n" + b"\x81 x,1\n\xff\x81y,2\n" * 20)
    assert read_table(path).notes[0].startswith("read as ")


def test_a_file_whose_later_lines_do_not_fit_is_read_otherwise(tmp_path):
    path = tmp_path / "t.csv"
    russian = "Москва,1\nКазань,2\n".encode("cp1251")
    path.write_bytes(b"a,y\n" + russian * 1000 + b"\x98,1\n")  # which cp1251 lacks
    table = read_table(path)
    assert table.num_rows == 2001
    assert "Cyrillic" not in table.notes[0]

"""Random, mutated and huge files end in numbers or in one clear line; soak.py has more of them."""


def test_hostile_files_end_well(soak):
    row = soak("tables")
    assert row["cases"] == 200
    assert row["failures"] == []
    assert row["control"] > 0
    assert row["notes"]["learned"] > 10

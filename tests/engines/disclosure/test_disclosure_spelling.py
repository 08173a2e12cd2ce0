"""One name in two spellings: files that hang together are not taken for strangers to each other."""

import pytest

from disclosure.engine.cli import main
from disclosure.engine.errors import BadTable
from disclosure.engine.spelling import refuse_two_spellings

BEFORE = "town,sex,released\nCafé Row,f,\nCafé Row,m,\nCafé Row,Total,44\n"
LATER = "town,sex,released\nCafé Row,m,41\n"
SPELLINGS = ["café row", "Cafe\u0301 Row", "Café  Row", "Café\u00a0Row", "Caf\u200bé Row"]


def files(folder, *texts):
    paths = [folder / f"{n}.csv" for n, _ in enumerate(texts)]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="utf-8")
    return [str(path) for path in paths]


@pytest.mark.obligation("O-81")
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_leak_does_not_pass_because_a_code_is_spelled_otherwise(tmp_path, spelling, capsys):
    assert main(["audit", *files(tmp_path, BEFORE, LATER)]) == 1
    assert main(["audit", *files(tmp_path, BEFORE, LATER.replace("Café Row", spelling))]) == 2
    assert "Write it alike" in capsys.readouterr().err


def test_nor_because_a_column_is(tmp_path, capsys):
    assert main(["audit", *files(tmp_path, BEFORE, LATER.replace("town", "Town"))]) == 2
    assert "column “Town” is “town” in" in capsys.readouterr().err


def test_protecting_hears_what_was_released_in_the_same_words(tmp_path, capsys):
    new = "town,sex,count\nCafé Row,m,41\nCafé Row,Total,44\n"
    old, table, other = files(tmp_path, BEFORE, new, new.replace("Row,m", "row,m").replace("Row,T", "row,T"))
    out = tmp_path / "out.csv"
    assert main(["protect", table, "--released", old, "--out", str(out)]) == 0
    assert "Café Row,m,41,," in out.read_text(encoding="utf-8")
    assert main(["protect", other, "--released", old, "--out", str(out)]) == 2
    assert "code of town" in capsys.readouterr().err
    assert not out.exists()


def test_two_spellings_in_one_table_are_two_names():
    one = ("one", [{"a": "x"}, {"a": "X"}, {"a": "Total"}])
    refuse_two_spellings([one, ("two", [{"a": "x"}]), ("three", [{"a": "X|y"}])])
    with pytest.raises(BadTable, match="the code of a “Y” is “y” in two"):
        refuse_two_spellings([one, ("two", [{"a": "y"}]), ("three", [{"a": "Y|x"}])])

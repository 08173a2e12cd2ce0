"""Ids that tell something about a person are found, however they were made; random ones never are (O-60)."""

import base64
import codecs
import hashlib
import random
import string
import zlib

import numpy as np
import pytest

from p20win.custody.engine import spill as spilling
from p20win.custody.engine.report import Report
from p20win.custody.engine.resemblance import IdCheck, plain
from p20win.custody.engine.spill import Spill
from p20win.custody.engine.uniqueness import Unique

COLUMNS = ["SSN", "SASID", "LAST", "FIRST", "DOB", "SEX"]
ALPHABET = string.ascii_lowercase + string.digits


def people(count, *, seed=7):
    draw = random.Random(seed)
    names = ["".join(draw.choices(string.ascii_uppercase, k=draw.randint(3, 11))) for _ in range(900)]
    return [
        [
            f"{draw.randint(1, 665):03d}{draw.randint(1, 99):02d}{draw.randint(1, 9999):04d}",
            str(draw.randint(10**9, 10**10 - 1)),
            draw.choice(names),
            draw.choice(names).capitalize(),
            f"{draw.randint(1985, 2012)}{draw.randint(1, 12):02d}{draw.randint(1, 28):02d}",
            draw.choice("MFU"),
        ]
        for _ in range(count)
    ]


def chance(seed=11, *, alphabet=ALPHABET, size=10):
    draw = random.Random(seed)
    return lambda person: "".join(draw.choices(alphabet, k=size))


def found(make, rows=None, *, prefix="SDE-", in_memory=spilling.IN_MEMORY):
    report = Report()
    check = IdCheck(report, "ID", prefix, COLUMNS, public=["SDE", "DR-0034", "0034"], in_memory=in_memory)
    for number, person in enumerate(people(70) if rows is None else rows, start=2):
        check.look(number, prefix + make(person), person)
    check.finish()
    return {(rule, column) for rule, column in report.counts}


def moved(digits, by):
    return "".join(str((int(digit) + step) % 10) for digit, step in zip(digits, by, strict=True))


def hashed(name, text):
    return hashlib.new(name, text.encode()).digest()


@pytest.mark.obligation("O-60", "O-106")
@pytest.mark.parametrize(
    "alphabet",
    [
        ALPHABET,
        string.digits,
        "0123456789abcdef",
        string.ascii_lowercase,
        string.ascii_letters + string.digits,
    ],
)
@pytest.mark.parametrize("size", [8, 16, 40])
def test_random_ids_are_left_alone(alphabet, size):
    assert found(chance(alphabet=alphabet, size=size)) == set()


@pytest.mark.obligation("O-60")
@pytest.mark.parametrize(
    ("column", "make"),
    [
        ("SSN", lambda p: p[0]),
        ("SSN", lambda p: p[0][::-1]),
        ("SSN", lambda p: f"{p[0][:3]}-{p[0][3:5]}-{p[0][5:]}"),
        ("SSN", lambda p: "000" + p[0] + "x"),
        ("SSN", lambda p: f"a{p[0][:4]}_{p[0][4:]}b"),
        ("SASID", lambda p: f"{p[1]}00"),
        ("SASID", lambda p: p[1][::-1]),
        ("DOB", lambda p: f"k{p[4]}q"),
        ("DOB", lambda p: f"x{p[4][4:]}{p[4][:4]}y"),
        ("DOB", lambda p: f"x{p[4][6:]}{p[4][4:6]}{p[4][:4]}y"),
    ],
)
def test_what_contains_an_identifier_is_found(column, make):
    assert ("id_contains", column) in found(make, people(12))


@pytest.mark.obligation("O-60")
@pytest.mark.parametrize("turned", [str, str.lower, str.upper, lambda name: name[::-1]])
def test_a_name_is_found_in_any_spelling(turned):
    assert ("id_contains", "LAST") in found(lambda p: f"{turned(p[2])}7")


@pytest.mark.obligation("O-60")
@pytest.mark.parametrize(
    ("name", "id_of"), [("Núñez", "NUNEZ1"), ("O’Brien-Walters", "walters9"), ("de la Cruzes", "cruzes12")]
)
def test_accents_and_parts_of_names_do_not_hide_it(name, id_of):
    rows = [[*person[:2], name, *person[3:]] for person in people(3)]
    assert ("id_contains", "LAST") in found(lambda p: id_of, rows)


def test_plain_knows_letters_with_accents():
    assert plain("Ñúñez-Łopez 3") == "nunezopez3"


@pytest.mark.obligation("O-60")
@pytest.mark.parametrize(
    ("rule", "column", "make"),
    [
        ("id_resembles", "SSN", lambda p: "q" + p[0][-4:] + "zz"),
        ("id_resembles", "DOB", lambda p: "zz" + p[4][2:] + "q"),
        ("id_derived", "SSN", lambda p: p[0].encode().hex()),
        ("id_derived", "SSN", lambda p: base64.b64encode(p[0].encode()).decode().rstrip("=")),
        ("id_derived", "SSN", lambda p: base64.b32encode(p[0].encode()).decode().rstrip("=")),
        ("id_derived", "SSN", lambda p: f"z{int(p[0]):x}z"),
        ("id_derived", "SSN", lambda p: "".join(str(9 - int(digit)) for digit in p[0])),
        ("id_derived", "SSN", lambda p: "".join(str((int(digit) + 3) % 10) for digit in p[0])),
        ("id_derived", "SASID", lambda p: "7" + moved(p[1], [3, 1, 4, 1, 5, 9, 2, 6, 5, 3])),
        ("id_derived", "LAST", lambda p: codecs.encode(p[2], "rot13") + "0"),
        ("id_resembles", "SSN", lambda p: f"{int(p[0]) * 7 + 3:012d}"),
        ("id_resembles", "SASID", lambda p: f"{10**11 - int(p[1]) * 3:012d}"),
    ],
)  # fmt: skip
def test_what_resembles_or_is_a_simple_transformation_is_found(rule, column, make):
    assert (rule, column) in found(make)


def encodings(digest):
    yield "hex", digest.hex()
    yield "HEX", digest.hex().upper()
    yield "base32", base64.b32encode(digest).decode().rstrip("=")
    yield "base64", base64.b64encode(digest).decode().rstrip("=").replace("+", "").replace("/", "")
    yield "base64url", base64.urlsafe_b64encode(digest).decode().rstrip("=")
    yield "decimal", str(int.from_bytes(digest, "big"))


@pytest.mark.obligation("O-60", "O-106")
@pytest.mark.parametrize("cut", [10, 30])
@pytest.mark.parametrize("written", ["hex", "HEX", "base32", "base64", "base64url", "decimal"])
@pytest.mark.parametrize("name", ["md5", "sha1", "sha256", "sha512"])
def test_a_hash_of_an_identifier_without_a_key_is_found(name, written, cut):
    def make(person):
        return dict(encodings(hashed(name, person[0])))[written][:cut]

    assert ("id_derived", "SSN") in found(make, people(30))


@pytest.mark.obligation("O-60", "O-106")
@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("SASID", lambda p: p[1]),
        ("LAST", lambda p: p[2].lower()),
        ("DOB", lambda p: f"{p[4][:4]}-{p[4][4:6]}-{p[4][6:]}"),
        ("SSN", lambda p: f"{p[0][:3]}-{p[0][3:5]}-{p[0][5:]}"),
        ("", lambda p: "".join(p)),
        ("", lambda p: "|".join(p)),
        ("", lambda p: ",".join(p).upper()),
        ("", lambda p: p[2] + p[4]),
        ("", lambda p: f"{p[4]}|{p[0]}"),
        ("", lambda p: f"{p[3]}-{p[2]}-{p[4]}"),
        ("SSN", lambda p: f"SDE{p[0]}"),
        ("SSN", lambda p: f"{p[0]}-DR-0034"),
    ],
)
def test_so_are_other_spellings_and_common_concatenations(column, message):
    assert ("id_derived", column) in found(lambda p: hashed("sha256", message(p)).hex()[:16], people(30))


@pytest.mark.obligation("O-60")
def test_short_cuts_of_a_hash_and_checksums_are_found_by_their_number():
    assert ("id_derived", "SSN") in found(lambda p: hashed("md5", p[0]).hex()[:8])
    assert ("id_derived", "SSN") in found(lambda p: hashed("sha1", p[0]).hex()[-8:])
    assert ("id_derived", "SSN") in found(lambda p: f"{zlib.crc32(p[0].encode()):08x}")


@pytest.mark.obligation("O-60")
def test_a_hash_in_the_middle_of_an_id_is_found():
    assert ("id_derived", "SSN") in found(
        lambda p: "2026" + hashed("sha1", p[0]).hex()[:12] + "z", people(30)
    )


def test_a_hash_under_a_secret_key_is_left_alone():
    assert found(lambda p: hashlib.blake2b(p[0].encode(), key=b"k" * 32).hexdigest()[:16]) == set()


@pytest.mark.obligation("O-60")
def test_ids_that_turn_into_hashes_far_down_the_file_are_found():
    rows, made = people(4000), chance()
    changed = {tuple(person) for person in rows[1000:]}
    assert ("id_derived", "SSN") in found(
        lambda p: hashed("md5", p[0]).hex()[:12] if tuple(p) in changed else made(p), rows
    )


@pytest.mark.obligation("O-60")
@pytest.mark.parametrize("at", [0, 1, 2])
def test_an_identifier_of_another_row_is_found(at):
    rows = people(150)
    others = [person[at] for person in rows]
    random.Random(3).shuffle(others)
    given = dict(zip(map(tuple, rows), others, strict=True))
    for turned in (str, lambda text: text[::-1]):
        assert ("id_contains", COLUMNS[at]) in found(
            lambda p, turned=turned: "7" * (at < 2) + turned(given[tuple(p)]), rows, in_memory=64
        )


def test_random_numbers_as_long_as_identifiers_are_left_alone_in_a_long_file():
    assert found(chance(alphabet=string.digits, size=14), people(4000), in_memory=1024) == set()


@pytest.mark.obligation("O-60")
def test_ids_of_nine_digits_are_refused_because_they_look_like_social_security_numbers():
    draw = random.Random(5)
    make = chance(alphabet=string.digits, size=8)
    assert ("id_resembles", "ID") in found(lambda p: str(draw.randint(1, 6)) + make(p))


@pytest.mark.obligation("O-60")
def test_ids_in_the_order_of_the_names_are_refused():
    rows = sorted(people(300), key=lambda person: person[2])
    numbers = iter(range(100_000, 200_000))
    assert ("id_resembles", "LAST") in found(lambda p: f"n{next(numbers)}", rows)
    numbers = iter(range(100_000, 200_000))
    assert found(lambda p: f"n{next(numbers)}", people(300)) == set()


@pytest.mark.obligation("O-60")
def test_the_agency_is_named_even_where_no_identifier_is():
    report = Report()
    check = IdCheck(report, "ID", "DOL-", [])
    check.look(2, "DOL-k3v9q2xw7z", [])
    check.look(3, "k3v9q2xw7z", [])
    check.finish()
    assert dict(report.counts) == {("id_names_agency", "ID"): 1}


class TestSpill:
    def test_what_was_put_in_comes_out_sorted_and_in_order_of_the_rows(self):
        draw = random.Random(1)
        pairs = [(draw.randrange(1 << 64) if row % 3 else 5, row) for row in range(1000)]
        spill = Spill(in_memory=64)
        for digest, row in pairs:
            spill.add(digest, row)
        slices = list(spill.slices(7))
        back = [(int(d), int(r)) for digests, rows in slices for d, r in zip(digests, rows, strict=True)]
        assert back == sorted(pairs)
        spill.close()

    def test_nothing_but_keyed_numbers_reaches_the_disk_and_no_name_does(self, tmp_path):
        unique = Unique("one_row", ("SSN",), [0], tmp_path, in_memory=16)
        for row in range(100):
            unique.look(row, ["323451111"])
        assert list(tmp_path.iterdir()) == []
        unique._seen._file.seek(0)
        written = unique._seen._file.read(1 << 20)
        assert written
        assert b"323451111" not in written
        unique.finish(Report())

    def test_repeats_are_counted_and_the_first_are_named_by_their_rows(self):
        report = Report()
        unique = Unique("one_row", ("ID",), [0], in_memory=16)
        for row in range(2, 502):
            unique.look(row, [f"id{row % 250}"])
        unique.look(502, [""])
        unique.finish(report)
        assert report.counts["one_row", "ID"] == 250
        assert [finding.row for finding in report.findings] == list(range(252, 272))

    @pytest.mark.long
    def test_memory_does_not_grow_with_the_rows(self):
        import tracemalloc

        unique = Unique("one_row", ("ID",), [0])
        tracemalloc.start()
        for row in range(1_000_000):
            unique.look(row, [str(row)])
        unique.finish(Report())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 48 << 20, np.format_float_positional(peak)

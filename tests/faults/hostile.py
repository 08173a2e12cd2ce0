"""Malformed and hostile files, each made by a few lines, with the rule that must refuse it.

What each one is told stands in `hostile_words`; `hostile_worker` checks them all.
"""

import base64
import codecs
import hashlib
import io
import pickle
import random
import stat
import struct
import zipfile
import zlib
from itertools import repeat

HEADER = ["ID", "SSN", "SASID", "LAST", "DOB", "NOTE"]
COLUMNS = [
    {"name": "ID", "form": "synthetic_id", "required": True},
    {"name": "SSN", "form": "ssn", "identifier": True},
    {"name": "SASID", "form": "sasid", "identifier": True},
    {"name": "LAST", "form": "name", "identifier": True, "required": True},
    {"name": "DOB", "form": "date", "identifier": True},
    {"name": "NOTE", "form": "text"},
]
MATCHING = {
    "kind": "matching", "number": "DR-0034", "agencies": ["SDE"], "id_column": "ID", "id_prefix": "SDE-",
    "one_row_per": [["ID"]], "one_person_per": [["SSN"]], "columns": COLUMNS,
}  # fmt: skip
ANALYTICAL = {
    "kind": "analytical", "number": "DR-0034", "agencies": ["DOL"], "id_column": "ID", "id_prefix": "",
    "columns": [{"name": "ID", "form": "synthetic_id", "required": True}, {"name": "NOTE", "form": "text"}],
}  # fmt: skip
CANARY = "Lindqvistzz"
GOOD = ["SDE-k3v9q2xw7z", "323451111", "1234567890", CANARY, "20050317", "seen"]
MIB = 1 << 20
NOISE = random.Random(3).randbytes(600_000)  # keeps the ratio of an archive low


def row(**cells):
    """Give a good row with some cells changed."""
    return [cells.get(name, value) for name, value in zip(HEADER, GOOD, strict=True)]


def text(*rows, header=HEADER, join="\t", end="\n"):
    """Give a delimited file."""
    return "".join(join.join(cells) + end for cells in (header, *rows)).encode()


def archive(parts, *, method=zipfile.ZIP_DEFLATED):
    """Give an archive of these parts."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as made:
        for name, part in parts:
            made.writestr(name, part)
    return target.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
BOOK = (
    ("[Content_Types].xml", "<Types/>"),
    ("xl/workbook.xml", "<workbook/>"),
)


def book(sheet=b"<worksheet><sheetData/></worksheet>", *more):
    """Give the parts of a workbook with this sheet."""
    return archive((*BOOK, (SHEET, sheet), *more))


def letter(document, *more):
    """Give the parts of a text document."""
    return archive((("[Content_Types].xml", "<Types/>"), ("word/document.xml", document), *more))


def entities(levels):
    """Give an XML document that grows tenfold with every level."""
    lines = ['<!ENTITY e0 "ha">'] + [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, levels)]
    return f"<!DOCTYPE x [{''.join(lines)}]><worksheet><row>&e{levels - 1};</row></worksheet>".encode()


def overlapping(copies=200):
    """Give an archive whose directory names one body many times over."""
    body = zlib.compress(bytes(4 * MIB), 9)[2:-4]
    crc = zlib.crc32(bytes(4 * MIB))
    local = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 8, 0, 33, crc, len(body), 4 * MIB, 1, 0) + b"a"
    parts, directory = local + body, b""
    for number in range(copies):
        name = f"xl/p{number}.xml".encode()
        directory += struct.pack(
            "<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 8, 0, 33, crc, len(body), 4 * MIB,
            len(name), 0, 0, 0, 0, 0, 0,
        ) + name  # fmt: skip
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, copies, copies, len(directory), len(parts), 0)
    return parts + directory + end


def with_link():
    """Give a workbook one part of which is a link to a file outside."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        for name, part in BOOK:
            made.writestr(name, part)
        link = zipfile.ZipInfo(SHEET)
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/hostname")
    return target.getvalue()


def packed_oddly():
    """Give a workbook whose parts say that they are packed by method 99."""
    made = bytearray(book())
    for mark, method in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = made.find(mark)
        while at >= 0:
            made[at + method] = 99
            at = made.find(mark, at + 4)
    return bytes(made)


def with_wrong_sum():
    """Give a workbook whose parts do not have the checksum that the directory states."""
    made = bytearray(book())
    at = made.find(b"PK\x01\x02")
    while at >= 0:
        made[at + 16] ^= 1
        at = made.find(b"PK\x01\x02", at + 4)
    return bytes(made)


def locked():
    """Give a workbook that says of its parts that they are encrypted."""
    made = bytearray(book())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = made.find(mark)
        while at >= 0:
            made[at + flags] |= 1
            at = made.find(mark, at + 4)
    return bytes(made)


def of_hash(name, what):
    """Give a file whose ids are hashes of an identifier, without a key."""
    rows = []
    for number in range(30):
        cells = row(SSN=str(323451111 + number), SASID=str(1234567890 + number), LAST=f"{CANARY}{number}")
        identifier = cells[HEADER.index(what)]
        cells[0] = "SDE-" + hashlib.new(name, identifier.encode()).hexdigest()[:24]
        rows.append(cells)
    return text(*rows)


def many(change, count=60):
    """Give a file of many people, each row changed by its number and cells."""
    rows = []
    for number in range(count):
        cells = row(
            SSN=f"3{(number * 7919) % 600 + 10:03d}{number * 37 % 9000 + 1000:04d}1",
            SASID=str(1234567890 + number * 7907),
            LAST=f"Q{chr(97 + number % 26)}zephyr{chr(97 + number // 26)}",
        )
        cells[0] = f"SDE-{hashlib.blake2b(bytes([number]), key=b'k').hexdigest()[:12]}"
        rows.append(change(number, cells) or cells)
    return text(*rows)


def made_of(make):
    """Give a file whose ids are made from each row's cells."""
    return many(lambda number, cells: ["SDE-" + make(cells), *cells[1:]])


def of_the_next_row():
    """Give a file whose ids hold the number of another row."""
    numbers = [line.split("\t")[1] for line in many(lambda number, cells: None).decode().splitlines()[1:]]
    return many(lambda number, cells: [f"SDE-0{numbers[(number + 7) % 60]}0", *cells[1:]])


def endless(chunk, times):
    """Give a file too long to be held, piece by piece."""
    return repeat(chunk, times)


# Name, the rule that must be among those not kept, the file (bytes or pieces), and its description.
DELIMITED = [
    ("nothing at all", "empty", b"", MATCHING),
    ("a header alone", "empty", text(), MATCHING),
    ("a byte order mark alone", "header", codecs.BOM_UTF8 + b"\n", MATCHING),
    ("UTF-16 with a mark", "not_text", text(GOOD).decode().encode("utf-16"), MATCHING),
    ("UTF-16 without a mark", "control", text(GOOD).decode().encode("utf-16-le"), MATCHING),
    ("UTF-32", "not_text", text(GOOD).decode().encode("utf-32"), MATCHING),
    ("Windows-1252", "encoding", text(row(LAST="Núñez")).decode().encode("cp1252"), MATCHING),
    ("EBCDIC", "encoding", text(GOOD).decode().encode("cp500"), MATCHING),
    ("overlong UTF-8", "encoding", text(GOOD) + b"\xc0\xaf\n", MATCHING),
    ("a surrogate in UTF-8", "encoding", text(GOOD) + b"\xed\xa0\x80\n", MATCHING),
    ("a cut character at the end", "encoding", text(GOOD) + b"\xe2\x82", MATCHING),
    ("NUL", "control", text(row(NOTE="a\0b")), MATCHING),
    ("an escape sequence", "control", text(row(NOTE="\x1b[2J")), MATCHING),
    ("text turned round", "control", text(row(NOTE="\u202egpj.exe")), MATCHING),
    ("letters nobody sees", "control", text(row(LAST=f"{CANARY}\u200b")), MATCHING),
    ("a mark inside", "control", text(row(NOTE="\ufeffx")), MATCHING),
    ("a line separator of Unicode", "control", text(row(NOTE="a\u2028b")), MATCHING),
    ("old Mac line ends", "control", text(GOOD, end="\r"), MATCHING),
    ("one line of a gigabyte", "line_length", endless(b"x" * MIB, 1024), MATCHING),
    ("a gigabyte after the header", "line_length", (text(), *repeat(b"y" * MIB, 64)), MATCHING),
    ("a cell of 65 KiB", "line_length", text(row(NOTE="n" * (65 << 10))), MATCHING),
    ("a million columns", "header", b"\t" * 1_000_000 + b"\n", MATCHING),
    ("six thousand columns", "header", ("\t".join(f"C{n}" for n in range(6000)) + "\n").encode(), MATCHING),
    ("a quote never closed", "quotes", text(row(NOTE='"open')), MATCHING),
    ("quotes around the header", "quotes", text(GOOD, header=[f'"{name}"' for name in HEADER]), MATCHING),
    ("commas instead of tabs", "separator", text(GOOD, join=","), MATCHING),
    ("semicolons", "separator", text(GOOD, join=";"), MATCHING),
    ("no header", "header", text(header=GOOD), MATCHING),
    ("the header twice", "header_again", text(GOOD, HEADER), MATCHING),
    ("a column too many", "column_unknown", text([*GOOD, "x"], header=[*HEADER, "FAITH"]), MATCHING),
    ("a column too few", "column_missing", text(GOOD[:-1], header=HEADER[:-1]), MATCHING),
    ("a column twice", "column_twice", text([*GOOD, "x"], header=[*HEADER, "note"]), MATCHING),
    ("a short row", "columns_in_row", text(GOOD, GOOD[:3]), MATCHING),
    ("an empty row", "columns_in_row", text(GOOD) + b"\n", MATCHING),
    ("an empty cell that must be filled", "required", text(row(LAST="")), MATCHING),
    ("a formula", "form", text(row(NOTE="=cmd|' /C calc'!A0")), MATCHING),
    ("a formula with an at sign", "form", text(row(NOTE="@SUM(A1)")), MATCHING),
    ("a formula with a plus", "form", text(row(LAST="+1+1")), MATCHING),
    ("a formula after a number", "form", text(row(NOTE="-1+cmd|' /C calc'!A0")), MATCHING),
    ("a number without its zeros", "form", text(row(SSN="23451111")), MATCHING),
    ("a number with dashes", "form", text(row(SSN="323-45-1111")), MATCHING),
    ("a number never issued", "form", text(row(SSN="666451111")), MATCHING),
    ("digits of another script", "form", text(row(SASID="١٢٣٤٥٦٧٨٩٠")), MATCHING),
    ("30 February", "form", text(row(DOB="20050230")), MATCHING),
    ("a number written as 1E+08", "form", text(row(SSN="3.23E+08")), MATCHING),
    ("one id twice", "one_row", text(GOOD, row(SSN="323451112")), MATCHING),
    ("one person twice", "one_person", text(GOOD, row(ID="SDE-p8m4t6yb1c")), MATCHING),
    ("an id without the agency", "id_names_agency", text(row(ID="k3v9q2xw7z")), MATCHING),
    ("a number in the id", "id_contains", text(row(ID="SDE-x323451111")), MATCHING),
    ("a number backwards in the id", "id_contains", text(row(ID="SDE-x111154323")), MATCHING),
    ("a birth date in the id", "id_contains", text(row(ID="SDE-x20050317")), MATCHING),
    ("a name in the id", "id_contains", text(row(ID=f"SDE-{CANARY}1")), MATCHING),
    ("MD5 of the number as id", "id_derived", of_hash("md5", "SSN"), MATCHING),
    ("SHA-256 of the number as id", "id_derived", of_hash("sha256", "SSN"), MATCHING),
    ("SHA-1 of the student number as id", "id_derived", of_hash("sha1", "SASID"), MATCHING),
    ("SHA-256 in base64 as id", "id_derived",
     made_of(lambda c: base64.urlsafe_b64encode(hashlib.sha256(c[1].encode()).digest()).decode()[:20]),
     MATCHING),
    ("SHA-512 in base32 as id", "id_derived",
     made_of(lambda c: base64.b32encode(hashlib.sha512(c[2].encode()).digest()).decode()[:16]), MATCHING),
    ("a hash of name and birth date as id", "id_derived",
     made_of(lambda c: hashlib.sha1(f"{c[3]}|{c[4]}".encode()).hexdigest()[:14]), MATCHING),
    ("a checksum of the number as id", "id_derived",
     made_of(lambda c: f"{zlib.crc32(c[1].encode()):08x}"), MATCHING),
    ("the number in hexadecimal as id", "id_derived", made_of(lambda c: f"z{int(c[1]):x}z"), MATCHING),
    ("the number with moved digits as id", "id_derived",
     made_of(lambda c: "".join(str((int(digit) + 4) % 10) for digit in c[2])), MATCHING),
    ("the number times seven as id", "id_resembles", made_of(lambda c: f"{int(c[1]) * 7:012d}"), MATCHING),
    ("the number of another row as id", "id_contains", of_the_next_row(), MATCHING),
    ("a name without its accent in the id", "id_contains",
     text(row(ID="SDE-nunezzz1", LAST="Núñezzz")), MATCHING),
    ("ids that look like numbers", "id_resembles",
     many(lambda n, c: [f"SDE-{n % 6 + 1}{int(c[0][4:], 16) % 89_999_999 + 10_000_000}", *c[1:]]),
     MATCHING),
    ("an analytical id without the agency", "id_names_agency",
     text(["k3v9q2xw7z", "x"], header=["ID", "NOTE"]), ANALYTICAL | {"id_prefix": "DOL-"}),
    ("a number among words", "identifier_inside",
     text(["k3v9q2xw7z", "see 323451111 again"], header=["ID", "NOTE"]), ANALYTICAL),
    ("a student number in an analytical file", "identifier_inside",
     text(["k3v9q2xw7z", "1234567890"], header=["ID", "NOTE"]), ANALYTICAL),
    ("a telephone number in a remark", "identifier_inside",
     text(["k3v9q2xw7z", "call (860) 555-0100"], header=["ID", "NOTE"]), ANALYTICAL),
    ("an address for mail in a remark", "identifier_inside",
     text(["k3v9q2xw7z", "to a.b@example.org"], header=["ID", "NOTE"]), ANALYTICAL),
    ("numbers kept as amounts", "identifier_inside",
     text(*([f"k3v9q2x{n:03d}", str(323451111 + n)] for n in range(40)), header=["ID", "PAY"]),
     ANALYTICAL | {"columns": [ANALYTICAL["columns"][0], {"name": "PAY", "form": "integer"}]}),
    ("a number in an analytical file", "identifier_inside",
     text(["k3v9q2xw7z", "323451111"], header=["ID", "NOTE"]), ANALYTICAL),
    ("a number in a remark", "identifier_inside",
     text(["k3v9q2xw7z", "call 323-45-1111"], header=["ID", "NOTE"]), ANALYTICAL),
    ("a number with spaces in a remark", "identifier_inside",
     text(["k3v9q2xw7z", "call 323 45 1111"], header=["ID", "NOTE"]), ANALYTICAL),
    ("a name column in an analytical file", "column_unknown",
     text(["k3v9q2xw7z", "x", CANARY], header=["ID", "NOTE", "LAST"]), ANALYTICAL),
    ("a ZIP archive", "not_text", archive([("a", b"x")]), MATCHING),
    ("a bomb of 42 kB a layer", "not_text", archive([("a.zip", archive([("b", bytes(8 * MIB))]))]), MATCHING),
    ("gzip", "not_text", b"\x1f\x8b\x08\0" + bytes(90), MATCHING),
    ("a pickled frame", "not_text", pickle.dumps({"rows": [GOOD]}), MATCHING),
    ("a PDF that is also text", "not_text", b"%PDF-1.7\n" + text(GOOD), MATCHING),
    ("Parquet", "not_text", b"PAR1" + bytes(80) + b"PAR1", MATCHING),
    ("a workbook named as text", "not_text", book(), MATCHING),
    ("a web page", "not_text", b"<!DOCTYPE html><script>alert(1)</script>" + bytes(20), MATCHING),
    ("noise", "encoding", random.Random(7).randbytes(200_000).replace(b"\n", b"\xff"), MATCHING),
]  # fmt: skip
TABLES = [
    ("an empty table", "empty", "t.csv", b""),
    ("a table larger than may be", "size", "t.csv", b"1" * ((20 << 20) + 1)),
    ("a workbook with macros by its name", "name", "t.xlsm", book()),
    ("an old workbook", "name", "t.xls", b"\xd0\xcf\x11\xe0"),
    ("a program", "name", "t.exe", b"MZ\x90"),
    ("a workbook named CSV", "not_text", "t.csv", book()),
    ("a table in UTF-16", "not_text", "t.csv", "sex,count\nF,9\n".encode("utf-16")),
    ("a table in Windows-1252", "encoding", "t.csv", "sex,count\ndé,9\n".encode("cp1252")),
    ("a table with NUL", "control", "t.csv", b"sex,count\nF,\x009\n"),
    ("a formula in a table", "form", "t.csv", b"sex,count\nF,=1+1\n"),
    ("a formula in quotes", "form", "t.csv", b'sex,count\nF,"@SUM(1)"\n'),
    ("a formula after a number in a table", "form", "t.csv", b"sex,count\nF,-1+cmd|' /C calc'!A0\n"),
    ("not a workbook", "workbook", "t.xlsx", b"sex,count\n"),
    ("a workbook cut short", "workbook", "t.xlsx", book()[:-30]),
    ("a workbook with a password", "workbook", "t.xlsx", locked()),
    ("a formula in a cell", "workbook", "t.xlsx", book(b"<worksheet><row><c><f>1</f></c></row></worksheet>")),
    ("a reference to a file", "workbook", "t.xlsx",
     book(b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><worksheet>&a;</worksheet>')),
    ("a reference to a server", "workbook", "t.xlsx",
     book(b'<!DOCTYPE x SYSTEM "http://hostile.example.org/x.dtd"><worksheet/>')),
    ("a billion laughs", "workbook", "t.xlsx", book(entities(10))),
    ("markup broken off", "workbook", "t.xlsx", book(b"<worksheet><row>")),
    ("a bomb of zeros", "workbook", "t.xlsx", book(b" " * (90 * MIB))),
    ("parts over each other", "workbook", "t.xlsx", overlapping()),
    ("more parts than may be", "workbook", "t.xlsx", archive([(f"p{n}", b"x") for n in range(1001)])),
    ("a part outside", "workbook", "t.xlsx", book(b"<worksheet/>", ("../../outside", b"x"))),
    ("a part at the root", "workbook", "t.xlsx", book(b"<worksheet/>", ("/outside", b"x"))),
    ("a link", "workbook", "t.xlsx", with_link()),
    ("macros", "workbook", "t.xlsx", book(b"<worksheet/>", ("xl/vbaProject.bin", b"x"))),
    ("another file inside", "workbook", "t.xlsx", book(b"<worksheet/>", ("xl/embeddings/o.bin", b"x"))),
    ("links to other files", "workbook", "t.xlsx", book(b"<worksheet/>", ("xl/externalLinks/l.xml", b"x"))),
    ("cells inside cells", "workbook", "t.xlsx",
     book(b"<c>" * 200_000 + b"</c>" * 200_000, ("xl/x.bin", NOISE))),
    ("more cells than may be", "workbook", "t.xlsx",
     archive((*BOOK, (SHEET, b"<worksheet>" + b"<c/>" * 12_000_000 + b"</worksheet>"), ("xl/x.bin", NOISE)))),
    ("an encoding nobody knows", "workbook", "t.xlsx",
     book(b'<?xml version="1.0" encoding="x-made-up"?><worksheet/>')),
    ("a sheet in UTF-16 cut short", "workbook", "t.xlsx", book("<worksheet><row>".encode("utf-16"))),
    ("a part packed in a way nobody knows", "workbook", "t.xlsx", packed_oddly()),
    ("a part whose sum is wrong", "workbook", "t.xlsx", with_wrong_sum()),
    ("data from a server", "workbook", "t.xlsx", book(b"<worksheet/>", ("xl/connections.xml", b"x"))),
    ("a part twice", "workbook", "t.xlsx",
     book(b"<worksheet/>", ("a", b"x"), ("b", b"y")).replace(b"\0\0b", b"\0\0a")),
    ("a letter named workbook", "workbook", "t.xlsx", archive([("word/document.xml", b"<document/>")])),
    ("a billion laughs in a letter", "workbook", "t.docx", letter(entities(10))),
    ("a reference to a file in a letter", "workbook", "t.docx",
     letter(b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><document>&a;</document>')),
    ("a letter broken off", "workbook", "t.docx", letter(b"<document>")),
    ("a bomb in a letter", "workbook", "t.docx", letter(b" " * (90 * MIB))),
    ("parts inside parts of a letter", "workbook", "t.docx",
     letter(b"<p>" * 200_000 + b"</p>" * 200_000, ("word/x.bin", NOISE))),
    ("macros in a letter", "workbook", "t.docx", letter(b"<document/>", ("word/vbaProject.bin", b"x"))),
    ("a bomb in a chart of a letter", "workbook", "t.docx",
     letter(b"<document/>", ("word/embeddings/a.xlsx", book(b" " * (90 * MIB))), ("word/x.bin", NOISE))),
    ("slides that are none", "workbook", "t.pptx", letter(b"<document/>")),
    ("not slides at all", "workbook", "t.pptx", b"slides"),
    ("not a PDF", "workbook", "t.pdf", b"MZ\x90"),
]  # fmt: skip

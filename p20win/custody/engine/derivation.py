"""Is an id computed from an identifier without a key? Tried as anybody could: hash, encode, shift."""

import base64
import binascii
import codecs
import hashlib
import re
from collections.abc import Iterator, Sequence
from itertools import chain, permutations
from typing import Final

_GLUES: Final = ("", "|", "-", "_", " ", ",", ";", ":", "\t")
_LONG: Final = 10  # this many characters alike are no chance, of any alphabet used here
_SHORT: Final = 6  # fewer than that tell nothing
_HEAD: Final = 3  # bytes of a digest compared first; only where they are alike the whole is
_HEX: Final = re.compile(r"[0-9a-f]{6,}")
_DIGITS: Final = re.compile(r"[0-9]{8,}")
_NO_WORD: Final = re.compile(r"[^A-Za-z0-9]")
_BASE32: Final = {letter: place for place, letter in enumerate("abcdefghijklmnopqrstuvwxyz234567")}
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_BASE64: Final = {letter: place for place, letter in enumerate(_LETTERS)}
_BASE16: Final = {letter: place for place, letter in enumerate("0123456789abcdef")}
STRONG, WEAK = 2, 1


def _md5(raw: bytes) -> bytes:
    return hashlib.md5(raw, usedforsecurity=False).digest()


def _sha1(raw: bytes) -> bytes:
    return hashlib.sha1(raw, usedforsecurity=False).digest()


def _sha256(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


def _sha512(raw: bytes) -> bytes:
    return hashlib.sha512(raw).digest()


def _crc32(raw: bytes) -> bytes:
    return binascii.crc32(raw).to_bytes(4, "big")


_HASHES: Final = (_md5, _sha1, _sha256, _sha512, _crc32)


class Candidate:
    """One id, prepared for many comparisons."""

    def __init__(self, text: str) -> None:
        self._raw = text
        self._squeezed = _NO_WORD.sub("", text)
        self._lowered = self._squeezed.casefold()
        self._hex = bool(_HEX.fullmatch(self._lowered))
        self._digits = bool(_DIGITS.search(self._lowered))
        self._heads = {
            head
            for form, values, bits in (
                (self._lowered, _BASE16, 4),
                (self._lowered, _BASE32, 5),
                (self._raw, _BASE64, 6),
                (self._squeezed, _BASE64, 6),
            )
            for head in _heads(form, values, bits)
        }

    def likeness(self, message: str) -> int:
        """This will say how much the id looks computed from this message: 0, WEAK or STRONG."""
        raw, best, heads = message.encode(), 0, self._heads
        for hashed in _HASHES:
            digest = hashed(raw)
            if digest[:_HEAD] in heads or (self._hex and self._lowered in digest.hex()):
                best = max(best, *(self._like(form, any_case=case) for form, case in _forms(digest)))
            if self._digits:
                best = max(best, *(self._like(form, any_case=True) for form in _decimals(digest)))
            if best == STRONG:
                return best
        return best

    def _like(self, form: str, *, any_case: bool) -> int:
        if any_case:
            form, mine = form.casefold(), self._lowered
        else:
            mine = self._raw if "-" in form or "_" in form else self._squeezed
        if len(form) < _SHORT or len(mine) < _SHORT:
            return 0
        if len(mine) >= _LONG and len(form) >= _LONG:
            return STRONG if mine in form or form[:_LONG] in mine or form[-_LONG:] in mine else 0
        return WEAK if form.startswith(mine) or form.endswith(mine) or form in mine else 0

    def is_encoding_of(self, value: str, plain: str) -> bool:
        """This will say whether the id holds the value written in another alphabet or with another base."""
        written = {codecs.encode(plain, "rot13")} if plain.isalpha() and len(plain) >= _SHORT else set()
        for text in {value, plain}:
            raw = text.encode()
            if len(raw) >= _SHORT:
                written |= {raw.hex(), base64.b32encode(raw).decode().rstrip("=")[:-1].casefold()}
                if base64.b64encode(raw).decode().rstrip("=")[:-1] in self._raw:
                    return True
        if plain.isdigit() and len(plain) >= 8:
            number = int(plain)
            written |= {f"{number:x}", _base36(number)}
        return any(len(form) >= _SHORT and form in self._lowered for form in written)


def messages(values: Sequence[str], reduced: Sequence[str]) -> Iterator[tuple[int, str]]:
    """This will give what people hash: each identifier in its spellings, and all of them together.

    With each comes the place of the identifier, or -1 for several.
    """
    for place, (value, plain) in enumerate(zip(values, reduced, strict=True)):
        for text in dict.fromkeys((value, plain, value.upper(), value.lower(), *_spelled(value))):
            if text:
                yield place, text
    for row in dict.fromkeys(
        (tuple(values), tuple(reduced), tuple(map(str.upper, values)), tuple(map(str.lower, values)))
    ):
        filled = [value for value in row if value]
        if len(filled) > 1:
            for glue in _GLUES:
                yield -1, glue.join(row)
                if len(filled) < len(row):
                    yield -1, glue.join(filled)


def more_messages(
    values: Sequence[str], reduced: Sequence[str], public: Sequence[str]
) -> Iterator[tuple[int, str]]:
    """This will give what people hash less often: two or three identifiers, with a word that all know."""
    filled = [(value, plain) for value, plain in zip(values, reduced, strict=True) if value][:6]
    for some in chain(permutations(filled, 2), permutations(filled[:5], 3)):
        for glue in _GLUES[:5] if len(some) == 2 else _GLUES[:4]:
            for text in dict.fromkeys(glue.join(part[form] for part in some) for form in (0, 1)):
                yield -1, text
    for place, (value, plain) in enumerate(zip(values, reduced, strict=True)):
        for text in dict.fromkeys((value, plain, value.upper())) if value else ():
            for word in public:
                for glue in ("", "-", "_"):
                    yield place, f"{word}{glue}{text}"
                    yield place, f"{text}{glue}{word}"


def shifts(text: str, value: str) -> Iterator[str]:
    """This will give how each digit of an identifier would have to be moved to give the id.

    The same answer row after row is a rule, not chance.
    """
    digits = "".join(character for character in text if character.isdigit())
    if not value.isdigit() or len(value) < 6:
        return
    for way, ordered in (("f", digits), ("b", digits[::-1])):
        for start in range(min(len(digits) - len(value) + 1, 8)):
            pairs = list(zip(ordered[start:], value, strict=False))
            yield f"{way}{start}-" + "".join(str((int(a) - int(b)) % 10) for a, b in pairs)
            yield f"{way}{start}+" + "".join(str((int(a) + int(b)) % 10) for a, b in pairs)


def _spelled(value: str) -> tuple[str, ...]:
    """A number or date as people write it who do not follow the agreed form."""
    if len(value) == 8 and value.isdigit():
        year, month, day = value[:4], value[4:6], value[6:]
        return (f"{year}-{month}-{day}", f"{month}/{day}/{year}", f"{month}{day}{year}", value[2:])
    if len(value) == 9 and value.isdigit():
        return (f"{value[:3]}-{value[3:5]}-{value[5:]}", value.lstrip("0"), value[-4:])
    return ()


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits


def _heads(form: str, values: dict[str, int], bits: int) -> Iterator[bytes]:
    """The first bytes of each digest that would be written like some part of this text."""
    need = -(-_HEAD * 8 // bits)
    for start in range(len(form) - need + 1):
        number = 0
        for letter in form[start : start + need]:
            if letter not in values:
                break
            number = number << bits | values[letter]
        else:
            yield (number >> (need * bits - _HEAD * 8)).to_bytes(_HEAD, "big")


def _forms(digest: bytes) -> Iterator[tuple[str, bool]]:
    """The ways in which a digest is written down, and whether capitals do not matter."""
    yield digest.hex(), True
    yield base64.b32encode(digest).decode().rstrip("="), True
    text = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    yield text, False
    yield _NO_WORD.sub("", text), False


def _decimals(digest: bytes) -> Iterator[str]:
    for size in (len(digest), 8, 4):
        yield str(int.from_bytes(digest[:size], "big"))

"""Examine one file that somebody wants to publish: read, protect, and audit the very bytes to be released."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from disclosure.engine.audit.findings import Finding
from disclosure.engine.audit.judge import Report
from disclosure.engine.averted import averted
from disclosure.engine.blurred import as_asked
from disclosure.engine.byhand import ByHand, read_by_hand, signature, table_by_hand
from disclosure.engine.codes import TOTAL, Hierarchy, read_hierarchy
from disclosure.engine.documents.around import around
from disclosure.engine.documents.content import CSV, XLSX, Document, is_workbook, kind_of
from disclosure.engine.documents.mapping import Mapped, mapped
from disclosure.engine.errors import BadTable, NoSafePattern, SolverFailed, Stopped
from disclosure.engine.longform import Row, Table, read_long
from disclosure.engine.names import Names, headings_of, read_as, read_names
from disclosure.engine.policy import CellPolicy
from disclosure.engine.populations import Among
from disclosure.engine.protect import Protection
from disclosure.engine.reading import Grids, Reader, read_grids, table_of
from disclosure.engine.release import Outside, protect_and_audit
from disclosure.engine.said import Fact, read_facts, tables_of, unconfirmed
from disclosure.engine.untold import untold_totals
from disclosure.engine.wishes import read_wishes

if TYPE_CHECKING:
    from disclosure.engine.documents.apart import DocumentReader

SAFE, UNREADABLE, NO_PATTERN, NOT_SETTLED = "safe", "unreadable", "no_pattern", "not_settled"
IN_TEXT = "in_text"  # the sentences of a document say what its tables may not
# What the audit says of a question that the solver did not answer; it counts such a question as a leak.
UNSETTLED: Final = "The checker could not settle this in its limit."

File = tuple[str, bytes]
People = frozenset[tuple[str, str]]  # in every dimension that tells them apart, its code


@dataclass(frozen=True)
class Beside:
    """What everybody knows who sees the file released: earlier releases, public tables, hierarchies."""

    released: Sequence[File] = ()
    public: Sequence[File] = ()
    hierarchies: Mapping[str, bytes] = field(default_factory=dict)
    names: Mapping[str, bytes] = field(default_factory=dict)  # by the headings of the tables they hold for
    by_hand: Mapping[str, bytes] = field(default_factory=dict)  # how tables are read, by their signature
    wishes: bytes = b""  # which cells to show rather than others
    said: bytes = b""  # which cells the numbers of its text are about
    among: Among | None = None  # whom it counts, if what is out counts others, too; these tables say it

    def outside(self) -> Outside:
        """Return what is out already, read.

        :raises BadTable: if one of the tables cannot be read
        """
        ours = [read_long(label, text.decode("utf-8-sig")) for label, text in self.released]
        public = [_public(label, text) for label, text in self.public]
        return Outside(released=self.released, known=self.public, tables=[*ours, *public])


@dataclass(frozen=True)
class Examination:
    """What came of it. Only a safe one has bytes to release; one in doubt has some for people to rule on."""

    verdict: str
    message: str = ""
    facts: tuple[str, ...] = ()
    protection: Protection | None = None
    report: Report | None = None
    tables: tuple[Table, ...] = field(default=())
    aside: Mapped | None = None  # of a document: what it holds beside its tables
    told_before: Mapping[People, str] = field(default_factory=dict)  # whose count was told, and where first
    hierarchies: Mapping[str, Hierarchy] = field(default_factory=dict)
    as_written: tuple[Table, ...] = ()  # the tables, before they were read under other names
    read_as: tuple[tuple[str, str, str, str], ...] = ()  # table, dimension, code or blank, what it means
    known: Mapping[str, frozenset[str]] = field(default_factory=dict)  # dimensions known, and their codes
    handed_on: tuple[bytes, ...] = ()  # the audited bytes where a table tells more than counts
    money: tuple[
        Mapping[str, str], ...
    ] = ()  # of such a table, for each row: what it is, is told, and why not
    grids: "Grids" = field(default_factory=list)  # the cells of each table as they stand in the file
    by_hand: Mapping[str, ByHand] = field(default_factory=dict)  # what was said of them, by signature
    wishes: Sequence[Mapping[str, str]] = ()  # cells to show rather than others
    facts_said: Mapping[int, Fact] = field(default_factory=dict)  # by the numbers of its text
    sentences: Sequence[File] = ()  # these facts as they were audited, and as they are released
    averted: tuple[Finding, ...] = ()  # what would follow about other people if all were shown
    unconfirmed: int = 0  # numbers of its text whose meaning nobody confirmed

    @property
    def is_safe(self) -> bool:
        """Say whether it may be released as far as the check can tell."""
        return self.verdict == SAFE

    @property
    def leaks(self) -> int:
        """Return how many counts can be worked out."""
        return sum(not is_unsettled(leak) for leak in self.report.leaks) if self.report else 0

    @property
    def unsettled(self) -> int:
        """Return how many questions the audit left open."""
        return sum(is_unsettled(leak) for leak in self.report.leaks) if self.report else 0

    @property
    def is_in_doubt(self) -> bool:
        """Say whether a pattern was found of which nothing is known to leak, but not all is settled."""
        return not self.is_safe and self.protection is not None

    def released(self) -> list[bytes]:
        """Return the audited bytes of each table; nothing unless all is safe."""
        return self.audited() if self.is_safe else []

    def audited(self) -> list[bytes]:
        """Return the bytes of each table as they were audited, in doubt or not; none if a count leaks."""
        if self.protection is None or self.leaks:
            return []
        return list(self.handed_on) or [table.public_bytes() for table in self.protection.tables]

    def audited_sentences(self) -> list[bytes]:
        """Return the bytes of what its text says and somebody confirmed; none if a count leaks."""
        return [content for _, content in self.sentences] if self.audited() else []

    def headings(self) -> list[str]:
        """Return what is remembered of its tables under their headings: names, and how they are read."""
        names = {headings_of(table.dimensions) for table in self.as_written}
        return sorted(names | {signature(grid) for _, grid in self.grids})

    @property
    def to_rule(self) -> int:
        """Return on how many points of its reading people must rule."""
        return (len(self.aside.to_rule) if self.aside else 0) + self.unconfirmed

    def adds(self) -> dict[str, int]:
        """Count what was known before, and what these tables tell again, anew, and of pay. No values."""
        shown: set[People] = set()
        for table in self.protection.tables if self.protection else ():
            pairs = zip(table.table.rows, table.shown, strict=True)
            shown |= {people(row) for row, is_shown in pairs if is_shown}
        known = set(self.told_before)
        pay = {"pay": sum(bool(row["shown"]) for row in self.money), "of_pay": len(self.money)}
        adds = {"before": len(known), "anew": len(shown - known), "again": len(shown & known)}
        return adds | (pay if self.money else {})


def is_unsettled(leak: Finding) -> bool:
    """Say whether this is a question left open rather than a count that can be worked out."""
    return leak.derivation == UNSETTLED


def people(row: Row) -> People:
    """Name the people of a row: in every dimension its code, but for Total."""
    return frozenset((dim, code) for dim, code in row.codes.items() if code != TOTAL)


def examine(
    name: str,
    content: bytes,
    beside: Beside | None = None,
    *,
    policy: CellPolicy,
    seconds: float,
    left: Callable[[], float] | None = None,
    told: Callable[[int, str], None] = lambda percent, message: None,
    reader: Reader = read_grids,
    document_reader: "DocumentReader | None" = None,
) -> Examination:
    """Read, protect and audit one file, given all that is known beside it.

    Whatever goes wrong ends in a verdict that is not safe.
    """
    said: dict[str, Any] = {"tables": (), "aside": None}  # as much as came of it before it went wrong
    try:
        told(10, "Reading the tables.")
        beside = beside or Beside()
        by_hand = {sign: read_by_hand(text.decode()) for sign, text in beside.by_hand.items()}
        grids, words = read_cells(name, content, reader=reader, document_reader=document_reader)
        said["grids"] = [*grids, *words.grids]
        signs = {signature(grid) for _, grid in said["grids"]}
        said["by_hand"] = {sign: each for sign, each in by_hand.items() if sign in signs}
        tables, said["aside"] = read_submitted(name, grids, words, policy=policy, by_hand=by_hand)
        said["tables"] = said["as_written"] = tuple(tables)
        if said["aside"] and (stopped := stopped_by(said["aside"])):
            return replace(stopped, grids=said["grids"], by_hand=said["by_hand"])
        outside = beside.outside()
        said["known"] = _known(outside.tables, beside.hierarchies)
        if beside.among:
            said["known"].pop(beside.among.name, None)
        names = {said_of: read_names(said_of, text.decode()) for said_of, text in beside.names.items()}
        tables = [as_asked(read_as(table, names)) for table in tables]
        said |= {"tables": tuple(tables), "read_as": tuple(_meant(said["as_written"], names))}
        used = {dim for table in (*tables, *outside.tables) for dim in table.dimensions}
        groups = {dim: text for dim, text in beside.hierarchies.items() if dim in used}
        known = {dim: read_hierarchy(dim, text.decode()) for dim, text in groups.items()}
        said["hierarchies"] = known
        _refuse_untold_totals(tables, groups)
        said |= _confirmed(beside.said, said["aside"], tables)
        wishes = said["wishes"] = read_wishes(beside.wishes.decode()) if beside.wishes else []
        said["told_before"] = told_before(outside.tables)
        asked, sentences = tables, said["sentences"]
        if among := beside.among:
            said["told_before"] = among.of_own(said["told_before"])
            asked, wishes = among.entered(tables), [{among.name: among.own, **each} for each in wishes]
            sentences = [(label, among.marked(text, among.own)) for label, text in sentences]
            known, groups = among.along(known, groups)
        outside = outside.along(sentences)
        if among:
            said["averted"] = averted(asked, outside, among, groups=groups, policy=policy)
        result, report = protect_and_audit(
            asked,
            outside,
            hierarchies=known,
            groups=groups,
            policy=policy,
            seconds=seconds,
            left=left,
            wished=wishes,
            told=told,
        )
        result = among.left(result) if among else result
    except (BadTable, UnicodeDecodeError) as problem:
        return Examination(UNREADABLE, str(problem), **said)
    except NoSafePattern as problem:
        return Examination(NO_PATTERN, str(problem), problem.facts, **said)
    except (Stopped, SolverFailed) as problem:
        return Examination(NOT_SETTLED, str(problem), **said)
    said["report"] = report
    if report.passed:
        return Examination(SAFE, protection=result, **said)
    if all(map(is_unsettled, report.leaks)):
        message = "A pattern was found and nothing leaks, but not every question was settled in the limit."
        return Examination(NOT_SETTLED, message, protection=result, **said)
    return Examination(NOT_SETTLED, "The pattern found did not pass the audit.", **said)


def read_cells(
    name: str,
    content: bytes,
    *,
    reader: Reader = read_grids,
    document_reader: "DocumentReader | None" = None,
) -> tuple["Grids", Document]:
    """Read the cells of a file of tables, and what any file says beside: of a document, its tables too.

    :raises BadTable: naming file, place and remedy
    """
    is_document = bool(kind_of(content))
    grids = [] if is_document else reader(name, content)
    words = Document(CSV)
    if is_document or is_workbook(content):
        if document_reader is None:
            from disclosure.engine.documents.apart import read_document  # what reads PDF starts slowly

            document_reader = read_document
        words = document_reader(name, content)
    return grids, words


def read_submitted(
    name: str,
    grids: "Grids",
    words: Document,
    *,
    policy: CellPolicy,
    by_hand: Mapping[str, ByHand] | None = None,
) -> tuple[list[Table], Mapped | None]:
    """Read the tables of a file, and what it holds beside them: see `stopped_by`.

    :raises BadTable: naming file, place and remedy
    """
    own = Mapped()
    for place, grid in grids:
        said = (by_hand or {}).get(signature(grid))
        if said is None:
            own.tables.append(table_of(place, grid))
        else:
            own.take(*table_by_hand(place, grid, said, policy))
        words.passages += around(place.removeprefix(f"{name}, "), grid)
    aside = mapped(name, words, policy, by_hand)
    aside.tables += own.tables
    aside.to_rule += own.to_rule
    if words.kind not in (CSV, XLSX):
        return aside.tables, aside
    is_more = aside.hurdles or aside.findings or aside.to_rule or aside.numbers_said or not aside.tables
    return aside.tables, aside if is_more else None


def stopped_by(aside: Mapped) -> Examination | None:
    """Return the end of an examination of a document that cannot be checked whole, or says too much."""
    if aside.hurdles:
        verdict, why = UNREADABLE, aside.hurdles[0]
    elif aside.findings:
        verdict = IN_TEXT
        why = "Its text says numbers of people that may not be said. Change the sentences named below."
    elif not aside.tables:
        verdict = UNREADABLE
        why = "It holds no table of counts, so there is nothing that the portal could release."
    else:
        return None
    return Examination(verdict, why, tables=tuple(aside.tables), aside=aside)


def _refuse_untold_totals(tables: Sequence[Table], groups: Mapping[str, bytes]) -> None:
    """A total that passes for one more category would give away what is withheld beside it.

    :raises BadTable: naming it
    """
    for table in tables:
        for dim, code, often in untold_totals(table):
            if often and dim not in groups:
                raise BadTable(
                    f"{table.name}: “{code}” is the sum of all others in {dim}. Call it Total, or say that it"
                    " means all together."
                )


def _confirmed(text: bytes, aside: Mapped | None, tables: Sequence[Table]) -> dict[str, Any]:
    """Return what was confirmed of the numbers of a text, as facts and as released tables.

    :raises BadTable: if it does not fit the tables
    """
    facts = read_facts(text.decode()) if text else {}
    numbers = aside.said if aside else []
    return {
        "facts_said": facts,
        "sentences": tables_of(numbers, facts, tables),
        "unconfirmed": len(unconfirmed(numbers, facts)),
    }


def _public(label: str, text: bytes) -> Table:
    return replace(read_long(label, text.decode("utf-8-sig")), ours=False)


def _known(tables: Sequence[Table], hierarchies: Mapping[str, bytes]) -> dict[str, frozenset[str]]:
    """Return the dimensions that what is out already names, and those with a hierarchy, with their codes."""
    known: dict[str, set[str]] = {}
    for table in tables:
        for dim in table.dimensions:
            known.setdefault(dim, set()).update(row.codes[dim] for row in table.rows)
    for dim, text in hierarchies.items():
        groups = read_hierarchy(dim, text.decode()).children
        known.setdefault(dim, set()).update(groups, *groups.values())
    return {dim: frozenset(codes - {TOTAL}) for dim, codes in known.items()}


def _meant(tables: Sequence[Table], names: Mapping[str, Names]) -> Iterator[tuple[str, str, str, str]]:
    """Tell under which other names the tables were read."""
    for table in tables:
        if (known := names.get(headings_of(table.dimensions))) is None:
            continue
        yield from ((table.name, dim, "", means) for dim, means in known.dimensions.items())
        for dim, codes in known.codes.items():
            there = {row.codes[dim] for row in table.rows}
            yield from ((table.name, dim, code, means) for code, means in codes.items() if code in there)


def told_before(tables: Sequence[Table]) -> dict[People, str]:
    """Return whose counts were told before, and where first."""
    told: dict[People, str] = {}
    for table in tables:
        for row in table.rows:
            if row.shown is not None and row.shown[0] == row.shown[1]:
                told.setdefault(people(row), table.name)
    return told

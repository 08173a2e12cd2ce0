"""Write all files of a run, or none of them: what lies at the target after a failure is nothing."""

import secrets
from collections.abc import Sequence
from pathlib import Path

from disclosure.engine.errors import BadTable


def targets(tables: Sequence[str], out: str, public: str | None) -> list[tuple[Path, Path | None]]:
    """Return where each table goes, for the reviewer and for the public: several go to folders.

    :raises BadTable: if two would be written to one place, or a place cannot hold them
    """
    for side in (Path(s) for s in (out, public) if s and not _is_folder(s, tables)):
        if not side.parent.is_dir():
            raise BadTable(f"{side.parent} is no folder. Make it first, or name another place.")
    places = [
        (_place(table, out, tables), _place(table, public, tables) if public else None) for table in tables
    ]
    flat = [place for pair in places for place in pair if place]
    if len({place.resolve() for place in flat}) < len(flat):
        raise BadTable("Two files would be written to the same place. Give --public a name of its own.")
    for folder in map(Path, folders(tables, (out, public))):
        if folder.exists() and not folder.is_dir():
            raise BadTable(f"{folder} is a file, where a folder is asked for. Several tables go to a folder.")
    for place in flat:
        if place.exists() and not place.is_file():
            raise BadTable(f"{place} is not a file that can be written. Name a file.")
    return places


def folders(tables: Sequence[str], sides: Sequence[str | None]) -> list[str]:
    """Return those of the targets that are folders: for several tables, or by their name."""
    return [side for side in sides if side and _is_folder(side, tables)]


def _is_folder(side: str, tables: Sequence[str]) -> bool:
    return len(tables) > 1 or side.endswith("/") or Path(side).is_dir()


def _place(table: str, side: str, tables: Sequence[str]) -> Path:
    return Path(side) / Path(table).name if _is_folder(side, tables) else Path(side)


def refuse_inputs(places: Sequence[tuple[Path, Path | None]], inputs: Sequence[str]) -> None:
    """Refuse to write over what is read.

    :raises BadTable: naming the file
    """
    for place in (p for pair in places for p in pair if p):
        if _is_input(place, inputs):
            raise BadTable(f"{place} is an input. Write the result to another place.")


def _is_input(place: Path, inputs: Sequence[str]) -> bool:
    for path in (Path(name) for name in inputs):
        same = place.resolve() == path.resolve()
        if same or (place.exists() and path.exists() and place.samefile(path)):
            return True
    return False


def clear(places: Sequence[tuple[Path, Path | None]]) -> None:
    """Take away what an earlier run left at the targets."""
    for place in (p for pair in places for p in pair if p):
        place.unlink(missing_ok=True)


def sweep(tables: Sequence[str], sides: Sequence[str | None], inputs: Sequence[str]) -> None:
    """Take away whatever lies where a run that failed would have written, inputs apart.

    :raises OSError: if something cannot be taken away
    """
    for side in (s for s in sides if s):
        inside = [_place(table, side, tables) for table in tables]
        for place in (Path(side), *inside):
            if place.is_file() and not _is_input(place, inputs):
                place.unlink()


def clear_folders(folders: Sequence[str]) -> None:
    """Take away folders for tables that are empty."""
    for folder in map(Path, folders):
        if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
            folder.rmdir()


def write_all(files: Sequence[tuple[Path, bytes]]) -> None:
    """Write every file under another name beside its place, then rename them all; folders are made.

    :raises OSError: if one cannot be written; none is there then
    """
    waiting: list[tuple[Path, Path]] = []
    placed: list[Path] = []
    try:
        for path, content in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            scratch = path.with_name(f".{secrets.token_hex(8)}.part")
            waiting.append((scratch, path))
            with scratch.open("xb") as sink:
                sink.write(content)
        for scratch, path in waiting:
            placed.append(path)
            scratch.replace(path)
    except BaseException:
        for path in (*(scratch for scratch, _ in waiting), *placed):
            path.unlink(missing_ok=True)
        raise

"""How long the pages of an output take from stored results: of 5,000 cells, and of twelve beside them.

python -m bench.review http://localhost:8000 [--runs 15] [--write]

Asks a running demo (`./run`), which has two more outputs afterwards: the author checks both tables, submits
them and sends them to the agencies; then the author, the operating group and a data steward ask for every
page in turn, the large table's and the small one's. The time is from the question to the last byte of the
answer, on the same machine: what the browser does with it comes on top. Goal: 300 ms for every page, and
hardly more than with the small table.
"""

from __future__ import annotations

import argparse
import re
import time
from typing import Any, Final

import httpx

from bench import report
from bench.disclosure.tables import counts, long_form

GOAL: Final = 300.0  # milliseconds
PATIENCE: Final = 180.0  # seconds for a check
AUTHOR, GROUP, STEWARD = "Carlos Marlworth", "Edgar Pennfield", "Justin Sellnell"
SEEDED: Final = "Programme and outcome by school"  # in its project, whatever number that has
SMALL: Final = (
    b"school \\ sex,female,male,Total\nAlder,3,40,43\nBirch,51,30,81\nCedar,22,35,57\nTotal,76,105,181\n"
)
SCREENS: Final = {
    "verdict": "",
    "why withheld": "tables/",
    "as uploaded": "tables/?layer=original",
    "as released": "tables/?layer=released",
    "what is still possible": "tables/?layer=open",
    "a cell's card": "tables/?cell=2",
    "one letter": "tables/?only=S",
    "a cell by its names": "tables/?code-1=Total",
}


def found(pattern: str, text: str, what: str) -> str:
    """Return what a pattern finds in a page, or stop and say what is not there."""
    match = re.search(pattern, text, re.DOTALL)
    if match is None:
        raise SystemExit(f"{what} is not on the page. Is this a fresh demo?")
    return match[1]


class Person:
    """Somebody of the demo, signed in."""

    def __init__(self, address: str, name: str) -> None:
        """Sign in."""
        self.address = address
        self._client = httpx.Client(base_url=address, follow_redirects=True, timeout=120)
        page = self.get("/demo/")
        card = page[: page.index(f'Sign in<span class="usa-sr-only"> {name}')].rpartition("<form")[2]
        self._send(found('action="([^"]+)"', card, "The way to sign in"), {}, page)

    def get(self, path: str) -> str:
        """Open a page."""
        answer = self._client.get(path)
        answer.raise_for_status()
        return answer.text

    def post(
        self, path: str, said: dict[str, Any], *, page: str = "", file: tuple[str, bytes] | None = None
    ) -> str:
        """Send a form of a page, and return where that leads."""
        return str(self._send(path, said, self.get(page or path), file=file).url.path)

    def _send(
        self, path: str, said: dict[str, Any], page: str, *, file: tuple[str, bytes] | None = None
    ) -> httpx.Response:
        token = found('csrfmiddlewaretoken" value="([^"]+)"', page, "The form")
        answer = self._client.post(
            path,
            data=said | {"csrfmiddlewaretoken": token},
            files={"file": file} if file else None,
            headers={"Referer": f"{self.address}{path}"},
        )
        answer.raise_for_status()
        return answer

    def waits(self, path: str) -> tuple[float, int]:
        """Return the milliseconds until a page was there, and its bytes."""
        start = time.perf_counter()
        answer = self._client.get(path)
        spent = 1000 * (time.perf_counter() - start)
        answer.raise_for_status()
        return spent, len(answer.content)


def submitted(author: Person, title: str, table: bytes) -> tuple[str, float]:
    """Have a table checked and sent to the agencies; return where it is read, and its check's seconds."""
    listed = author.get("/outputs/")
    number = found(rf"{SEEDED}</a></th>\s*<td><a[^>]*>(DR-\d{{4}})", listed, "The seeded output")
    project = found(
        rf'(/outputs/for/[0-9a-f-]{{36}}/)self-check/">[^<]*<[^>]*> of {number}', listed, "The project"
    )
    form = author.get(f"{project}self-check/")
    about = {
        "population": f"People of “{title}”",
        "period": found(r'id="periods">\s*<option value="([^"]+)"', form, "A period"),
        "extracted_on": found(r'p20-demo.*?datetime="(\d{4}-\d\d-\d\d)', form, "The day"),
    }
    about |= dict.fromkeys(re.findall(r'name="(population_to_\d+)"', form), "apart")
    begun = time.perf_counter()
    output = author.post(f"{project}self-check/", about, file=("table.csv", table))
    while "cells are withheld" not in author.get(output):
        if time.perf_counter() - begun > PATIENCE:
            raise SystemExit(f"“{title}” is not checked: {author.address}{output}")
        time.sleep(0.2)
    checked = time.perf_counter() - begun
    author.post(f"{output}submit/", {"title": title, "material": "report"})
    author.post(f"{output}send/", {}, page=output)
    return output, checked


def measured(person: Person, large: str, small: str, runs: int) -> dict[str, Any]:
    """Ask for every page of both tables in turn."""
    figures = {}
    for name, screen in SCREENS.items():
        person.waits(large + screen)
        rounds = [(person.waits(large + screen), person.waits(small + screen)) for _ in range(runs)]
        told = {
            "milliseconds": report.spread([one for (one, _), _ in rounds]),
            "of the small table": report.spread([other for _, (other, _) in rounds]),
            "bytes": rounds[-1][0][1],
        }
        told["ratio"] = round(told["milliseconds"]["median"] / told["of the small table"]["median"], 2)
        told["within the goal"] = told["milliseconds"]["median"] <= GOAL
        figures[name] = told
    return figures


def main() -> None:
    """Measure, print, and write the results down if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--write", action="store_true", help="write bench/results/review.json")
    asked = parser.parse_args()
    around, address = report.circumstances(), asked.address.rstrip("/")
    people = {name: Person(address, name) for name in (AUTHOR, GROUP, STEWARD)}
    table = long_form(counts((100, 50), 0, spread=True)).encode()
    small, _ = submitted(people[AUTHOR], "Twelve cells", SMALL)
    large, checked = submitted(people[AUTHOR], "Five thousand cells", table)
    figures: dict[str, Any] = {"seconds until it was checked": round(checked, 1)}
    for role, name in (("author", AUTHOR), ("operating group", GROUP), ("data steward", STEWARD)):
        figures[role] = measured(people[name], large, small, asked.runs)
        for page, told in figures[role].items():
            print(role, page, told, flush=True)
    if asked.write:
        print(report.write("review", around, figures))


if __name__ == "__main__":
    main()

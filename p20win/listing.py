"""Lists of rows: searched, sorted and paged in one way, as their templates expect it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Final

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest

ON_A_PAGE: Final = 25


@dataclass(frozen=True)
class Listing:
    """How one kind of row is listed: by which fields it may be sorted, and in which a search looks."""

    sorts: Mapping[str, str]  # the name in the address, and the field
    searched: tuple[str, ...] = ()
    first: str = "-since"  # the order when none is asked for; "-" turns it round

    def shown(self, rows: QuerySet[Any], request: HttpRequest) -> dict[str, Any]:
        """Return what the list's template needs: `page`, `sort` and `query`.

        An order or page that does not exist is answered with the first one.
        """
        page = Paginator(self.found(rows, request), ON_A_PAGE).get_page(request.GET.get("page"))
        return {"page": page, "sort": self._sort(request), "query": _query(request)}

    def found(self, rows: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
        """Return all rows that the request asks for, in its order."""
        query, sort = _query(request), self._sort(request)
        if query and self.searched:
            rows = rows.filter(reduce(or_, (Q(**{f"{field}__icontains": query}) for field in self.searched)))
        backwards = "-" if sort.startswith("-") else ""
        # Rows that are alike keep one order, so that none is missed between two pages.
        return rows.order_by(backwards + self.sorts[sort.removeprefix("-")], "pk")

    def _sort(self, request: HttpRequest) -> str:
        sort = request.GET.get("sort", self.first)
        return sort if sort.removeprefix("-") in self.sorts else self.first


def _query(request: HttpRequest) -> str:
    """Return what is searched for; the database knows no text with a NUL."""
    return request.GET.get("q", "").replace("\0", "").strip()

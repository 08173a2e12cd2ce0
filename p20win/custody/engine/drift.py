"""Where two profiles of one kind of file differ by more than was agreed."""

from typing import Any


def drift(
    now: dict[str, Any], before: dict[str, Any], *, points: int, rows_percent: int
) -> dict[str, list[str]]:
    """This will say for each column what is different from before; "" stands for the file as a whole.

    Shares are compared in percentage points, the number of rows in per cent.
    """
    found: dict[str, list[str]] = {}
    if before["rows"] and abs(now["rows"] - before["rows"]) * 100 > rows_percent * before["rows"]:
        found[""] = [f"{before['rows']:,} rows before, {now['rows']:,} now."]
    earlier = {column["name"]: column for column in before["columns"]}
    for column in now["columns"]:
        then = earlier.pop(column["name"], None)
        said = _column(column, then, now["rows"], before["rows"], points) if then else ["Not there before."]
        if said:
            found[column["name"]] = said
    if earlier:
        found.setdefault("", []).append(f"No longer there: {', '.join(earlier)}.")
    return found


def _column(now: dict[str, Any], then: dict[str, Any], rows: int, rows_then: int, points: int) -> list[str]:
    said = []
    for what, key, of, of_then in (
        ("Missing", "missing", rows, rows_then),
        ("Different values", "distinct", now["filled"], then["filled"]),
    ):
        said += _moved(what, now[key], of, then[key], of_then, points)
    counts_then = {entry["code"]: entry["count"] for entry in then["codes"]}
    for entry in now["codes"]:
        count, earlier = entry["count"], counts_then.get(entry["code"])
        if count is not None and earlier is not None:
            said += _moved(f"Code {entry['code']}", count, now["filled"], earlier, then["filled"], points)
    if now["low"] and then["low"] and now["form"] == then["form"] and _apart(now, then):
        said.append(f"From {then['low']} to {then['high']} before, from {now['low']} to {now['high']} now.")
    return said


def _moved(what: str, part: int, of: int, then: int, of_then: int, points: int) -> list[str]:
    if not of or not of_then:
        return []
    share, share_then = part * 100 / of, then * 100 / of_then
    if abs(share - share_then) <= points:
        return []
    return [f"{what}: {share_then:.0f} % before, {share:.0f} % now."]


def _apart(now: dict[str, Any], then: dict[str, Any]) -> bool:
    """Whether the two ranges share nothing."""
    low, high, low_then, high_then = now["low"], now["high"], then["low"], then["high"]
    if now["form"] in ("integer", "decimal"):
        return float(low) > float(high_then) or float(high) < float(low_then)
    return bool(low > high_then or high < low_then)

"""What a line of the log is: one line of JSON, whatever stands in it, and of an exception no word.

An exception's message may quote a record or what somebody typed; its kind, the database's code for it and the
places in the code are enough to find the fault (C19). JSON writes line ends, terminal commands and marks that
turn text around as `\\u….`, so no name can feign a second line or another text (C20).
"""

import datetime as dt
import json
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from celery.app.log import Logging
from celery.utils.log import get_multiprocessing_logger
from gunicorn.glogging import Logger

ROOT: Final = f"{Path(__file__).resolve().parent.parent}/"
PLACES: Final = 25  # of an exception, the innermost


class OneLine(logging.Formatter):
    """Writes a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Say when, how grave, who says it, and what."""
        moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
        line: dict[str, Any] = {
            "at": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "says": _said(record),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["failed"] = list(_failures(record.exc_info[1]))
        return json.dumps(line, ensure_ascii=True)


def _said(record: logging.LogRecord) -> str:
    told = record.args
    if isinstance(told, dict) and "exc" in told:  # Celery's report of a task that failed
        return f"Task {told.get('name')} [{told.get('id')}] {told.get('description', 'failed')}"
    if isinstance(record.msg, BaseException):
        return type(record.msg).__name__
    return record.getMessage()


def _failures(error: BaseException) -> Iterator[dict[str, Any]]:
    """Yield the exception, and those it arose from, without their words."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        told: dict[str, Any] = {"kind": f"{type(found).__module__}.{type(found).__qualname__}"}
        if code := getattr(found, "pgcode", None):
            told["code"] = str(code)
        places = traceback.extract_tb(found.__traceback__)[-PLACES:]
        told["at"] = [f"{each.filename.removeprefix(ROOT)}:{each.lineno} {each.name}" for each in places]
        yield told
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


class WebLog(Logger):
    """Gunicorn's own log in the same lines, without what stood in a request."""

    def setup(self, cfg: Any) -> None:
        """Write our lines wherever gunicorn would write its own."""
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                handler.setFormatter(OneLine())

    def warning(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Tell that a request was no HTTP, and not what it was."""
        if isinstance(msg, str) and msg.startswith("Invalid request"):
            msg = msg.partition(": ")[0]
        super().warning(msg, *args, **kwargs)

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Tell that a request failed, without its address: a search may stand there."""
        said = msg.partition("%s")[0].strip() if isinstance(msg, str) else type(msg).__name__
        super().exception(said, **kwargs)


class WorkersLog(Logging):
    """Celery's own log in the same lines: it is left as the settings make it."""

    def setup_logging_subsystem(self, loglevel: Any = None, *args: Any, **kwargs: Any) -> None:
        """Set how grave a line must be, and leave all else alone."""
        if self.already_setup:
            return
        Logging._setup = True
        if loglevel:
            logging.getLogger().setLevel(loglevel)
        get_multiprocessing_logger().propagate = True

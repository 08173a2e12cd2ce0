"""A line of the log is one line, whatever names hold, and no exception's words stand in it (C19, C20)."""

import json
import logging
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import DataError, connection

from p20win.logs import OneLine, WebLog

NASTY = {
    "a second line": "x\r\n2026-01-01 INFO p20win everything is fine",
    "a terminal's command": "x\x1b[2J\x1b]0;title\x07\x9b31m",
    "text turned around": "\u202egnp.tcartxe\u2066\u2069\u200f\ufeff",
    "other ends of lines": "x\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029y",
    "half a letter": "x\udcffy",
}


def written(message, *args, error=None):
    """Return what the formatter makes of a record."""
    info = (type(error), error, error.__traceback__) if error else None
    return OneLine().format(logging.LogRecord("p20win", logging.ERROR, __file__, 1, message, args, info))


def raised(make):
    try:
        make()
    except Exception as error:
        return error
    raise AssertionError


@pytest.mark.parametrize("name", NASTY)
def test_c20_a_name_that_feigns_lines_or_commands_is_one_line_of_plain_signs(name):
    line = written("file %s not taken", NASTY[name])

    assert len(line.splitlines()) == 1
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["says"] == f"file {NASTY[name]} not taken"


def test_c19_of_an_exception_and_its_causes_kind_and_place_are_told_and_no_word():
    def fail():
        try:
            int("900-12-3456")
        except ValueError as cause:
            raise LookupError("Lindqvistzz") from cause

    line = written("it failed", error=raised(fail))

    first, cause = json.loads(line)["failed"]
    assert (first["kind"], cause["kind"]) == ("builtins.LookupError", "builtins.ValueError")
    assert first["at"][-1].startswith("tests/unit/test_logs.py:")
    assert "900-12-3456" not in line
    assert "Lindqvistzz" not in line


@pytest.mark.django_db
def test_c19_of_what_the_database_refuses_its_code_is_told_and_not_the_value():
    def fail():
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::int", ["900-12-3456"])

    error = raised(fail)
    assert isinstance(error, DataError)
    line = written("it failed", error=error)

    assert "22P02" in {each.get("code") for each in json.loads(line)["failed"]}
    assert "900-12-3456" not in line


def test_c19_celerys_report_of_a_failed_task_repeats_no_words_of_the_exception():
    told = {"name": "jobs.sweep", "id": "1", "description": "raised unexpected", "exc": "V('900-12-3456')"}
    line = written("Task %(name)s[%(id)s] %(description)s: %(exc)s", told, error=raised(lambda: int("x1x")))

    assert json.loads(line)["says"] == "Task jobs.sweep [1] raised unexpected"
    assert "900-12-3456" not in line
    assert "x1x" not in line


class Caught:
    """Stands where gunicorn's logger of errors stands."""

    def __init__(self):
        self.said = []

    def warning(self, said, *args, **_):
        self.said.append(said % args)

    exception = warning


def test_c19_gunicorn_tells_of_a_bad_request_without_its_contents():
    log = WebLog.__new__(WebLog)
    log.error_log = Caught()

    log.warning("Invalid request from ip=127.0.0.1: Invalid HTTP header: 'X 900-12-3456'")
    log.exception("Error handling request %s", "/files/?q=900-12-3456")
    log.exception(ValueError("900-12-3456"))

    assert log.error_log.said == ["Invalid request from ip=127.0.0.1", "Error handling request", "ValueError"]


def test_c20_every_program_writes_these_lines():
    assert settings.LOGGING["formatters"]["line"] == {"()": "p20win.logs.OneLine"}
    program = """
import django, logging
django.setup()
from p20win.celery import app
from celery.utils.log import get_multiprocessing_logger, get_task_logger
app.log.setup(loglevel="WARNING")
for each in (logging.getLogger("celery.worker"), get_task_logger("t"), get_multiprocessing_logger()):
    each.error("a\\nb")
"""
    argv, where = [sys.executable, "-c", program], settings.BASE_DIR
    said = subprocess.run(argv, cwd=where, capture_output=True, text=True, check=True).stderr
    assert [json.loads(line)["says"] for line in said.splitlines()] == ["a\nb"] * 3

import json
import logging
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from functions.logs import JsonLines
from functions.problems import log_failure
from loopwright.errors import UnavailableError
from loopwright.settings import Settings
from tests.airport import world
from tests.clouds.tools import ROOT


def test_a_failure_is_a_line_with_its_severity(capsys: pytest.CaptureFixture[str]) -> None:
    log_failure("collect", UnavailableError("the lake is away"))
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line) == {
        "severity": "ERROR",
        "message": "collect: UnavailableError: the lake is away",
        "where": "collect",
        "error": "UnavailableError: the lake is away",
    }


def test_a_failure_that_nobody_foresaw_says_where_it_was_raised(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError as error:
        log_failure("collect", error)
    line = json.loads(capsys.readouterr().err)
    assert "in test_a_failure_that_nobody_foresaw" in line["traceback"]


def test_a_librarys_record_is_a_line_with_its_severity_and_traceback() -> None:
    try:
        int("no")
    except ValueError:
        record = logging.LogRecord("uvicorn", logging.WARNING, "f", 1, "it %s\nso", ("is",), sys.exc_info())
    line = JsonLines().format(record)
    assert "\n" not in line
    told = json.loads(line)
    assert (told["severity"], told["message"], told["where"]) == ("WARNING", "it is\nso", "uvicorn")
    assert told["traceback"].endswith("invalid literal for int() with base 10: 'no'")


def test_in_a_container_what_the_server_logs_is_json_where_that_is_asked_for(tmp_path: Path) -> None:
    settings = Settings("local", tmp_path, world.FOLDER)
    variables = {**settings.to_env(), "LOOPWRIGHT_AUTH": "iam", "LOOPWRIGHT_LOGS": "json", "PATH": "/usr/bin:/bin"}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "functions.container", "metrics", "--host", "127.0.0.1", "--port", port]
        done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    line = json.loads(done.stderr.splitlines()[0])
    assert line["severity"] == "ERROR"
    assert "ddress already in use" in line["message"]

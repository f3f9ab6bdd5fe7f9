"""How a command's errors leave: in words, and never as a traceback."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.aws.place import AwsPlace
from loopwright.clock import ReplayClock
from loopwright.errors import GateRefusedError, InvalidInputError
from pipelines.cli.door import run, settings_of


def failing(error: BaseException) -> Callable[..., object]:
    def app(*, standalone_mode: bool) -> object:
        raise error

    return app


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (GateRefusedError("version 2 did not pass"), 1, "error: version 2 did not pass"),
        (InvalidInputError("two problems", ("the first", "the [second]")), 1, "· the [second]"),
        (OSError(errno.ENOSPC, "No space left on device", "a.csv"), 1, "No space left on device: 'a.csv'"),
        (ZeroDivisionError("a surprise"), 1, "ZeroDivisionError: a surprise"),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
)
def test_whatever_goes_wrong_is_told_in_words(
    error: BaseException, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(failing(error)) == code
    printed = capsys.readouterr().err
    assert told in printed
    assert "Traceback" not in printed


def test_recorded_time_is_that_of_this_machines_state_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clock = tmp_path / ".loopwright" / "clock"
    clock.parent.mkdir()
    ReplayClock(clock).set(1.0)
    assert settings_of(tmp_path).clock_file == clock
    place = AwsPlace("eu-central-1", "a-bucket", "a-table", "airport", "a-bus")
    for name, value in {**place.to_env(), "LOOPWRIGHT_PROVIDER": "aws"}.items():
        monkeypatch.setenv(name, value)
    assert settings_of(tmp_path).clock_file is None


def test_where_a_surprise_happened_is_shown_to_those_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPWRIGHT_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        run(failing(ZeroDivisionError("a surprise")))

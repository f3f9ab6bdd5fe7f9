"""How a command's errors leave: in words, and never as a traceback."""

import errno
from collections.abc import Callable

import pytest

from loopwright.errors import GateRefusedError, InvalidInputError
from pipelines.cli.door import run


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


def test_where_a_surprise_happened_is_shown_to_those_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPWRIGHT_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        run(failing(ZeroDivisionError("a surprise")))

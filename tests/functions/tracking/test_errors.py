"""What the domain's errors are for MLflow's clients: what they try again, and what they tell at once."""

import msgspec
import pytest

from functions.tracking.errors import refusal
from loopwright.errors import CapabilityError, DeniedError, GateRefusedError, LoopwrightError, UnavailableError


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (UnavailableError("throttled"), 503, "TEMPORARILY_UNAVAILABLE"),
        (DeniedError("no dynamodb:PutItem"), 403, "PERMISSION_DENIED"),
        (GateRefusedError("no verdict"), 403, "PERMISSION_DENIED"),
        (CapabilityError("no signed URLs"), 501, "NOT_IMPLEMENTED"),
    ],
)
def test_only_what_may_work_later_is_tried_again(error: LoopwrightError, status: int, code: str) -> None:
    answer = refusal(error, "POST /api/2.0/mlflow/runs/create")
    told = msgspec.json.decode(answer.body)
    assert (answer.status, told["error_code"]) == (status, code)
    assert str(error) in told["message"]


def test_a_permission_that_the_server_lacks_is_not_taken_for_the_callers() -> None:
    told = msgspec.json.decode(refusal(DeniedError("no dynamodb:PutItem"), "POST /x").body)
    assert told["message"].startswith("the server itself may not do that")


def test_what_nobody_foresaw_is_told_without_its_inside(capsys: pytest.CaptureFixture[str]) -> None:
    answer = refusal(KeyError("secret"), "POST /x")
    assert (answer.status, msgspec.json.decode(answer.body)["error_code"]) == (500, "INTERNAL_ERROR")
    assert b"secret" not in answer.body
    assert "secret" in capsys.readouterr().err

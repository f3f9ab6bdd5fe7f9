import json
import urllib.request
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.clouds.aws import REGION
from tests.clouds.tools import MissingToolError
from tests.pulumi import sandbox


def signed(url: str) -> urllib.request.Request:
    request = AWSRequest("GET", url)
    SigV4Auth(Credentials("test", "test"), "lambda", REGION).add_auth(request)
    return urllib.request.Request(url, headers=dict(request.headers))  # noqa: S310


@pytest.mark.timeout(600)
def test_a_sandbox_answers_and_goes_away_with_all_that_was_in_it(tmp_path: Path) -> None:
    home = tmp_path / "sandbox"
    try:
        told = sandbox.up("tests/pulumi/umbrella", home)
    except MissingToolError as error:
        pytest.skip(str(error))
    try:
        (line,) = [line for line in told.splitlines() if line.endswith("/openapi.json")]
        with urllib.request.urlopen(signed(line.split()[-1]), timeout=60) as answer:  # noqa: S310 - our own AWS
            assert "/models/rain/predict" in json.loads(answer.read())["paths"]
        assert "LOOPWRIGHT_AWS_BUCKET=umbrella-sandbox-bucket" in (home / "environment").read_text()
    finally:
        sandbox.down(home)
    assert not home.exists()
    sandbox.down(home)

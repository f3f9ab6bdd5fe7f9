"""Every permission of every role of a stack, one by one: with it something is done, without it AWS refuses that.

The AWS on this machine enforces what the policies of `infra/` say; no function of the stack is asked, but a caller
with the credentials of its role. That the functions need what they have is seen where they work (test_loop.py).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.clouds.aws import REGION, client
from tests.clouds.ministack import Ministack, running
from tests.clouds.tools import MissingToolError
from tests.pulumi.on_aws import taken_on
from tests.pulumi.permission_calls import CALLS, Caller, Permission, permissions, without
from tests.pulumi.pythons import newest_python
from tests.pulumi.stack import Stack, aws_at

PROGRAM = Path(__file__).parent / "program"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    """An AWS with a stack in it whose functions hold next to nothing."""
    folder = tmp_path_factory.mktemp("permissions")
    try:
        with running(auth=True) as started:
            extra = {"LOOPWRIGHT_PLACEHOLDERS": str(folder)}
            stack = Stack("dev", aws_at(started.endpoint), folder, PROGRAM, extra=extra)
            given = {"protect": "false", "project": "tests/airport", "pythonVersion": newest_python()}
            stack.create(aws__region=REGION, **given)
            stack.run("config", "set", "--secret", "note", "--", "of the test", stack=True)
            stack.up()
            yield started
    except MissingToolError as error:
        pytest.skip(str(error))


@pytest.mark.timeout(600)
def test_each_permission_of_each_role_is_what_lets_it_do_one_thing(aws: Ministack, subtests: pytest.Subtests) -> None:
    iam = client(aws.endpoint, "iam")
    roles = [one["RoleName"] for one in iam.list_roles()["Roles"]]
    looked_at = 0
    for role in roles:
        (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        statements = _policy(aws, role, name)
        with taken_on(aws, iam.get_role(RoleName=role)["Role"]["Arn"]) as session:
            for one in permissions(role, statements):
                looked_at += 1
                with subtests.test(f"{role} without {one.action} on {one.resource}{one.prefixes or ''}"):
                    caller = Caller(session, aws.endpoint)
                    assert not _refused(caller, one)
                    _put(aws, role, name, without(statements, one))
                    try:
                        assert _refused(caller, one)
                    finally:
                        _put(aws, role, name, statements)
    assert looked_at > 150


def _policy(aws: Ministack, role: str, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client(aws.endpoint, "iam").get_role_policy(RoleName=role, PolicyName=name)[
        "PolicyDocument"
    ]["Statement"]
    return found


def _put(aws: Ministack, role: str, name: str, statements: list[dict[str, Any]]) -> None:
    document = {"Version": "2012-10-17", "Statement": statements}
    client(aws.endpoint, "iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


def _refused(caller: Caller, one: Permission) -> bool:
    """Return whether a caller is refused this very action; that a thing is not there is no refusal."""
    try:
        CALLS[one.action](caller, one)
    except ClientError as error:
        said = str(error)
        if "AccessDenied" in error.response["Error"]["Code"] or "not authorized" in said:
            assert one.action in said or one.action.startswith("s3:"), said
            return True
    return False

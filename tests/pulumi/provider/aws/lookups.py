"""What a program asks AWS without making anything."""

from collections.abc import Mapping
from typing import Any

from tests.pulumi.provider.aws.kinds import Aws
from tests.pulumi.provider.kinds import UnknownKindError


def look_up(token: str, aws: Aws, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a question.

    Raises:
        UnknownKindError: the stand-in does not know it.
    """
    match token:
        case "aws:index/getCallerIdentity:getCallerIdentity":
            caller = aws.api("sts").get_caller_identity()
            account = caller["Account"]
            return {"accountId": account, "arn": caller["Arn"], "id": account, "userId": caller["UserId"]}
        case "aws:index/getRegion:getRegion":
            return {"region": aws.region, "name": aws.region, "id": aws.region}
        case "aws:index/getPartition:getPartition":
            return {"partition": "aws", "id": "aws", "dnsSuffix": "amazonaws.com"}
        case _:
            raise UnknownKindError(f"{token}: the stand-in for AWS does not know this question")

"""AWS, as far as the stand-in must know it: the one on this machine at `AWS_ENDPOINT_URL`."""

import os
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from tests.pulumi.provider.aws.kinds import Aws
from tests.pulumi.provider.aws.lookups import look_up
from tests.pulumi.provider.cloud import Cloud


class AwsHere(Cloud[Aws]):
    """AWS."""

    name = "aws"
    unasked = frozenset({"region"})

    def place(self, config: Mapping[str, Any]) -> Aws:
        return Aws(os.environ["AWS_ENDPOINT_URL"], config["region"])

    def look_up(self, token: str, place: Aws, asked: Mapping[str, Any]) -> dict[str, Any]:
        return look_up(token, place, asked)

    def is_gone(self, error: Exception) -> bool:
        if not isinstance(error, ClientError):
            return False
        code = error.response["Error"]["Code"]
        return code in {"404", "NoSuchEntity"} or any(
            part in code for part in ("NotFound", "NoSuch", "NonExistent", "DoesNotExist")
        )


CLOUD: Final = AwsHere()

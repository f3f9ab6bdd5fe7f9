"""Where a stack is, and how the names and ARNs of its things begin."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Output


@dataclass(frozen=True, slots=True)
class Place:
    """An account's region, and the prefix of all names in it."""

    prefix: str
    partition: Output[str]
    region: Output[str]
    account: Output[str]

    def named(self, name: str) -> str:
        """Return the name of one of the stack's things."""
        return f"{self.prefix}-{name}"

    def arn(self, service: str, resource: str) -> Output[str]:
        """Return the ARN of a thing whose name is known before it is made."""
        return Output.concat("arn:", self.partition, ":", service, ":", self.region, ":", self.account, ":", resource)


def this_place(prefix: str) -> Place:
    """Return the account and the region that the credentials and `aws:region` lead to."""
    caller = aws.get_caller_identity_output()
    partition = caller.arn.apply(lambda arn: arn.split(":")[1])
    return Place(prefix, partition, Output.from_input(pulumi.Config("aws").require("region")), caller.account_id)

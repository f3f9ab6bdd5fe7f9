"""Where a stack has put everything on AWS."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Final

from loopwright.errors import DefinitionError

_OTHERWISE: Final = {"region": ("AWS_REGION", "AWS_DEFAULT_REGION"), "endpoint": ("AWS_ENDPOINT_URL",)}
"""What AWS's own tools call it."""


@dataclass(frozen=True, slots=True)
class AwsPlace:
    """Where a stack has put everything on AWS, by name.

    Attributes:
        region: of all of it.
        bucket: has objects under `blobs/`, the lake under `lake/`, and under `overflow/` what is too large for an item.
        table: the DynamoDB table, with the text keys `pk` and `sk`.
        queues: how the names of queues begin: queue `labels` is `<queues>-labels`, its dead letters
            `<queues>-labels-dead`.
        bus: the EventBridge bus.
        account: that the queues are in, from which their URLs follow; empty: SQS is asked for each of them first.
        namespace: of the metrics in CloudWatch.
        job_function: the Lambda function that runs jobs; empty: there is none.
        training_image: the container image of jobs that do not fit a function; empty: there is none.
        training_role: the role that such a container has.
        endpoint: where AWS answers, when it is not AWS itself.
    """

    region: str
    bucket: str
    table: str
    queues: str
    bus: str
    account: str = ""
    namespace: str = "Loopwright"
    job_function: str = ""
    training_image: str = ""
    training_role: str = ""
    endpoint: str = ""

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> "AwsPlace":
        """Read `LOOPWRIGHT_AWS_…`, one variable for each attribute; of region and endpoint AWS's own will do.

        Raises:
            DefinitionError: some that must be there are missing.
        """
        given = {one.name: _given(one.name, environment) for one in fields(cls)}
        missing = [_variable(one.name) for one in fields(cls) if one.default is MISSING and not given[one.name]]
        if missing:
            raise DefinitionError(
                f"LOOPWRIGHT_PROVIDER=aws wants {', '.join(missing)} too: `pulumi stack output environment` has them"
            )
        return cls(**{name: value for name, value in given.items() if value})

    def to_env(self) -> dict[str, str]:
        """Return the variables that `from_env` reads."""
        return {_variable(one.name): value for one in fields(self) if (value := getattr(self, one.name))}


def _given(attribute: str, environment: Mapping[str, str]) -> str:
    names = (_variable(attribute), *_OTHERWISE.get(attribute, ()))
    return next((value for name in names if (value := environment.get(name))), "")


def _variable(attribute: str) -> str:
    return f"LOOPWRIGHT_AWS_{attribute.upper()}"

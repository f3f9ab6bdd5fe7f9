"""Where everything is: read from the environment once, at the door."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Final, Literal, get_args

from loopwright.errors import DefinitionError
from loopwright.ports.events import Subscription

Provider = Literal["memory", "local", "aws"]

TRIGGERS_QUEUE: Final = "triggers"

DEFAULT_SUBSCRIPTIONS: Final = (
    Subscription("loopwright.drift.", TRIGGERS_QUEUE),
    Subscription("loopwright.performance.", TRIGGERS_QUEUE),
)
"""Alerts that may start a retraining."""


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
    namespace: str = "Loopwright"
    job_function: str = ""
    training_image: str = ""
    training_role: str = ""
    endpoint: str = ""

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> "AwsPlace":
        """Read `AWS_REGION`, `AWS_ENDPOINT_URL` and `LOOPWRIGHT_AWS_…`, one variable for each other attribute.

        Raises:
            DefinitionError: some that must be there are missing.
        """
        given = {one.name: environment.get(_aws_variable(one.name), "") for one in fields(cls)}
        given["region"] = given["region"] or environment.get("AWS_DEFAULT_REGION", "")
        missing = [_aws_variable(one.name) for one in fields(cls) if one.default is MISSING and not given[one.name]]
        if missing:
            raise DefinitionError(
                f"LOOPWRIGHT_PROVIDER=aws wants {', '.join(missing)} too: `pulumi stack output environment` has them"
            )
        return cls(**{name: value for name, value in given.items() if value})

    def to_env(self) -> dict[str, str]:
        """Return the variables that `from_env` reads."""
        return {_aws_variable(one.name): value for one in fields(self) if (value := getattr(self, one.name))}


def _aws_variable(attribute: str) -> str:
    match attribute:
        case "region":
            return "AWS_REGION"
        case "endpoint":
            return "AWS_ENDPOINT_URL"
        case _:
            return f"LOOPWRIGHT_AWS_{attribute.upper()}"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where everything is. Read once, at the door: `Settings.from_env(os.environ)` in a `main.py`.

    Attributes:
        provider: which folder of adapters.
        home: where the local provider keeps its state.
        project: the folder with the project's `project.py`.
        clock_file: a file that tells the time instead of the system (see `ReplayClock`).
        subscriptions: which events go into which queues.
        aws: where everything is on AWS; None: the provider is another one.
    """

    provider: Provider = "local"
    home: Path = Path(".loopwright")
    project: Path = Path()
    clock_file: Path | None = None
    subscriptions: tuple[Subscription, ...] = field(default=DEFAULT_SUBSCRIPTIONS)
    aws: AwsPlace | None = None

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> "Settings":
        """Read `LOOPWRIGHT_PROVIDER`, `LOOPWRIGHT_PROJECT`, `LOOPWRIGHT_HOME` and `LOOPWRIGHT_CLOCK_FILE`.

        The home is `.loopwright` in the project's folder unless it is set. On AWS also what `AwsPlace` reads.

        Raises:
            DefinitionError: the provider is unknown, or variables that it wants are missing.
        """
        provider = environment.get("LOOPWRIGHT_PROVIDER", "local")
        project = Path(environment.get("LOOPWRIGHT_PROJECT", "."))
        clock_file = environment.get("LOOPWRIGHT_CLOCK_FILE")
        for known in get_args(Provider):
            if provider == known:
                home = Path(environment.get("LOOPWRIGHT_HOME", project / ".loopwright"))
                aws = AwsPlace.from_env(environment) if known == "aws" else None
                return cls(known, home, project, Path(clock_file) if clock_file else None, aws=aws)
        choices = ", ".join(get_args(Provider))
        raise DefinitionError(f"LOOPWRIGHT_PROVIDER={provider}: use one of {choices}")

    def to_env(self) -> dict[str, str]:
        """Return the variables that `from_env` reads, for a child process."""
        variables = {
            "LOOPWRIGHT_PROVIDER": self.provider,
            "LOOPWRIGHT_HOME": str(self.home.resolve()),
            "LOOPWRIGHT_PROJECT": str(self.project.resolve()),
        }
        clock = {"LOOPWRIGHT_CLOCK_FILE": str(self.clock_file.resolve())} if self.clock_file else {}
        return variables | clock | (self.aws.to_env() if self.aws else {})

"""Where a stack has put everything on Google Cloud."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Final

from loopwright.errors import DefinitionError

_OTHERWISE: Final = {"project": "GOOGLE_CLOUD_PROJECT"}
"""What Google's own tools call it."""


@dataclass(frozen=True, slots=True)
class GcpPlace:
    """Where a stack has put everything on Google Cloud, by name.

    Attributes:
        project: that has all of it.
        region: of all of it.
        bucket: has objects under `blobs/`, the lake under `lake/`, and under `overflow/` what is too large for an item.
        database: of Firestore, in native mode.
        queues: how the names of topics and subscriptions begin: queue `labels` is `<queues>-labels`, its dead letters
            `<queues>-labels-dead`, and the topic of events `<queues>-events`.
        job: the Cloud Run job that runs jobs; empty: there is none.
        training_image: the container image of jobs that do not fit it; empty: there is none.
        training_account: the service account that such a container has.
        serving_image: the container image that models are shown with on Vertex AI; empty: the training image.
        vertex: `true` has promoted versions and runs told to Vertex AI too.
        endpoint: where Google answers, all of it, when it is not Google itself.
    """

    project: str
    region: str
    bucket: str
    database: str
    queues: str
    job: str = ""
    training_image: str = ""
    training_account: str = ""
    serving_image: str = ""
    vertex: str = ""
    endpoint: str = ""

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> "GcpPlace":
        """Read `LOOPWRIGHT_GCP_…`, one variable for each attribute; the project may be `GOOGLE_CLOUD_PROJECT` too.

        Raises:
            DefinitionError: some that must be there are missing.
        """
        given = {
            one.name: environment.get(_variable(one.name)) or environment.get(_OTHERWISE.get(one.name, ""), "")
            for one in fields(cls)
        }
        missing = [_variable(one.name) for one in fields(cls) if one.default is MISSING and not given[one.name]]
        if missing:
            raise DefinitionError(
                f"LOOPWRIGHT_PROVIDER=gcp wants {', '.join(missing)} too: `pulumi stack output environment` has them"
            )
        return cls(**{name: value for name, value in given.items() if value})

    def to_env(self) -> dict[str, str]:
        """Return the variables that `from_env` reads."""
        return {_variable(one.name): value for one in fields(self) if (value := getattr(self, one.name))}


def _variable(attribute: str) -> str:
    return f"LOOPWRIGHT_GCP_{attribute.upper()}"

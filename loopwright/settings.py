"""Where everything is: read from the environment once, at the door."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, get_args

from loopwright.errors import DefinitionError
from loopwright.ports.events import Subscription

Provider = Literal["memory", "local"]

TRIGGERS_QUEUE: Final = "triggers"

DEFAULT_SUBSCRIPTIONS: Final = (
    Subscription("loopwright.drift.", TRIGGERS_QUEUE),
    Subscription("loopwright.performance.", TRIGGERS_QUEUE),
)
"""Alerts that may start a retraining."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where everything is. Read once, at the door: `Settings.from_env(os.environ)` in a `main.py`.

    Attributes:
        provider: which folder of adapters.
        home: where the local provider keeps its state.
        project: the folder with the project's `project.py`.
        clock_file: a file that tells the time instead of the system (see `ReplayClock`).
        subscriptions: which events go into which queues.
    """

    provider: Provider = "local"
    home: Path = Path(".loopwright")
    project: Path = Path()
    clock_file: Path | None = None
    subscriptions: tuple[Subscription, ...] = field(default=DEFAULT_SUBSCRIPTIONS)

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> "Settings":
        """Read `LOOPWRIGHT_PROVIDER`, `LOOPWRIGHT_PROJECT`, `LOOPWRIGHT_HOME` and `LOOPWRIGHT_CLOCK_FILE`.

        The home is `.loopwright` in the project's folder unless it is set.

        Raises:
            DefinitionError: the provider is unknown.
        """
        provider = environment.get("LOOPWRIGHT_PROVIDER", "local")
        project = Path(environment.get("LOOPWRIGHT_PROJECT", "."))
        clock_file = environment.get("LOOPWRIGHT_CLOCK_FILE")
        for known in get_args(Provider):
            if provider == known:
                home = Path(environment.get("LOOPWRIGHT_HOME", project / ".loopwright"))
                return cls(known, home, project, Path(clock_file) if clock_file else None)
        choices = ", ".join(get_args(Provider))
        raise DefinitionError(f"LOOPWRIGHT_PROVIDER={provider}: use one of {choices}")

    def to_env(self) -> dict[str, str]:
        """Return the variables that `from_env` reads, for a child process."""
        variables = {
            "LOOPWRIGHT_PROVIDER": self.provider,
            "LOOPWRIGHT_HOME": str(self.home.resolve()),
            "LOOPWRIGHT_PROJECT": str(self.project.resolve()),
        }
        return variables | ({"LOOPWRIGHT_CLOCK_FILE": str(self.clock_file.resolve())} if self.clock_file else {})

"""Where everything is: read from the environment once, at the door."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from loopwright.ports.events import Subscription

TRIGGERS_QUEUE: Final = "triggers"

DEFAULT_SUBSCRIPTIONS: Final = (
    Subscription("loopwright.drift.", TRIGGERS_QUEUE),
    Subscription("loopwright.performance.", TRIGGERS_QUEUE),
)
"""Alerts that may start a retraining."""

MIRROR_QUEUE: Final = "mirror"

MIRROR_SUBSCRIPTIONS: Final = (
    Subscription("loopwright.registry.", MIRROR_QUEUE),
    Subscription("loopwright.training.", MIRROR_QUEUE),
)
"""Events after which a mirror looks again; whoever has one subscribes its queue to them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where everything is. Read once, at the door: `Settings.from_env(os.environ)` in a `main.py`.

    Attributes:
        provider: which folder of adapters.
        home: where the local provider keeps its state.
        project: the folder with the project's `project.py`.
        clock_file: a file that tells the time instead of the system (see `ReplayClock`).
        subscriptions: which events go into which queues.
        place: the variables, all called `LOOPWRIGHT_<PROVIDER>_…` or as the provider calls them itself, that tell its
            adapters where everything is.
    """

    provider: str = "local"
    home: Path = Path(".loopwright")
    project: Path = Path()
    clock_file: Path | None = None
    subscriptions: tuple[Subscription, ...] = field(default=DEFAULT_SUBSCRIPTIONS)
    place: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> "Settings":
        """Read `LOOPWRIGHT_PROVIDER`, `LOOPWRIGHT_PROJECT`, `LOOPWRIGHT_HOME`, `LOOPWRIGHT_CLOCK_FILE` and the place.

        The home is `.loopwright` in the project's folder unless it is set. Whether there is such a provider, and
        whether its place is complete, is known to the adapters.
        """
        provider = environment.get("LOOPWRIGHT_PROVIDER", "local")
        project = Path(environment.get("LOOPWRIGHT_PROJECT", "."))
        clock_file = environment.get("LOOPWRIGHT_CLOCK_FILE")
        theirs = f"LOOPWRIGHT_{provider.upper()}_"
        return cls(
            provider,
            Path(environment.get("LOOPWRIGHT_HOME", project / ".loopwright")),
            project,
            Path(clock_file) if clock_file else None,
            place={name: value for name, value in environment.items() if name.startswith(theirs)},
        )

    def to_env(self) -> dict[str, str]:
        """Return the variables that `from_env` reads, for a child process."""
        variables = {
            "LOOPWRIGHT_PROVIDER": self.provider,
            "LOOPWRIGHT_HOME": str(self.home.resolve()),
            "LOOPWRIGHT_PROJECT": str(self.project.resolve()),
        }
        clock = {"LOOPWRIGHT_CLOCK_FILE": str(self.clock_file.resolve())} if self.clock_file else {}
        return variables | clock | dict(self.place)

"""Whose answers get lost on the way, and what a test looks at from outside."""

from dataclasses import dataclass, field

from adapters.aws.api import Clients
from adapters.aws.place import AwsPlace


@dataclass
class Losses:
    """Loses the answers to the next `count` requests of a method to targets that have `part` in them."""

    method: str = ""
    part: str = ""
    count: int = 0
    lost: list[str] = field(default_factory=list)

    def __call__(self, method: str, target: str) -> bool:
        if method != self.method or self.part not in target or self.count == 0:
            return False
        self.count -= 1
        self.lost.append(target)
        return True


def clients(place: AwsPlace) -> Clients:
    environment = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    return Clients(place.region, endpoint=place.endpoint, environment=environment)

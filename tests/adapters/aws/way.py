"""Clients of a place, with credentials that an emulator takes."""

from adapters.aws.api import Clients
from adapters.aws.place import AwsPlace


def clients(place: AwsPlace) -> Clients:
    environment = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    return Clients(place.region, endpoint=place.endpoint, environment=environment)

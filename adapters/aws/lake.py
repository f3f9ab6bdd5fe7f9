"""Versioned tables as Delta tables in an S3 bucket."""

from collections.abc import Mapping

from adapters.aws.api import Api
from adapters.aws.bucket import Bucket
from adapters.aws.place import AwsPlace
from adapters.aws.signing import Credentials
from adapters.delta.folders import BucketFolders
from adapters.delta.lake import DeltaLake


class S3Lake(DeltaLake):
    """Delta tables in one bucket, committed by conditional writes and not by locks. Files' times are S3's."""

    def __init__(self, api: Api, place: AwsPlace) -> None:
        super().__init__(BucketFolders(Bucket(api, place), "s3", _Options(api, place)))


class _Options:
    """What `deltalake` must know to open a table; told anew when the credentials have changed."""

    def __init__(self, api: Api, place: AwsPlace) -> None:
        self._api = api
        self._place = place
        self._given: tuple[Credentials, dict[str, str]] | None = None

    def __call__(self) -> Mapping[str, str]:
        credentials, given = self._api.credentials(), self._given
        if given is None or given[0] is not credentials:
            given = self._given = credentials, _options(credentials, self._place)
        return given[1]


def _options(credentials: Credentials, place: AwsPlace) -> dict[str, str]:
    options = {
        "AWS_REGION": place.region,
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_CONDITIONAL_PUT": "etag",
    }
    if credentials.token:
        options["AWS_SESSION_TOKEN"] = credentials.token
    if place.endpoint:
        options |= {"AWS_ENDPOINT_URL": place.endpoint, "AWS_ALLOW_HTTP": "true"}
    return options

"""Versioned tables as Delta tables in a bucket of Cloud Storage."""

import json
from typing import Final

from adapters.delta.folders import BucketFolders
from adapters.delta.lake import DeltaLake
from adapters.gcp.api import Api
from adapters.gcp.bucket import Bucket
from adapters.gcp.place import GcpPlace
from adapters.gcp.signing import Signer

_NOBODY: Final = {"client_email": "", "private_key": "", "private_key_id": "", "disable_oauth": True}


class GcsLake(DeltaLake):
    """Delta tables in one bucket, committed by conditional writes and not by locks. Files' times are the store's.

    What opens tables finds the machine's or the person's credentials by itself, and renews them.
    """

    def __init__(self, api: Api, place: GcpPlace, signer: Signer) -> None:
        options = _options(place.endpoint)
        super().__init__(BucketFolders(Bucket(api, place, signer), "gs", lambda: options))


def _options(endpoint: str) -> dict[str, str]:
    if not endpoint:
        return {}
    return {
        "google_service_account_key": json.dumps({**_NOBODY, "gcs_base_url": endpoint}),
        "allow_http": "true",
    }

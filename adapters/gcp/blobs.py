"""Objects in one bucket of Cloud Storage, under one prefix; encrypted as the bucket says."""

from adapters.bucket_blobs import BucketBlobs
from adapters.gcp.api import Api
from adapters.gcp.bucket import Bucket
from adapters.gcp.place import GcpPlace
from adapters.gcp.signing import Signer


class GcsBlobs(BucketBlobs):
    """Objects in Cloud Storage, which reads what was written last and decides between writers that expect something.

    Tags are generations: no two writes have the same. A URL that the machine's own account signs is good for 12 hours
    at most, one that a key signs for 7 days.
    """

    def __init__(self, api: Api, place: GcpPlace, *, prefix: str, signer: Signer) -> None:
        super().__init__(Bucket(api, place, signer), prefix=prefix)

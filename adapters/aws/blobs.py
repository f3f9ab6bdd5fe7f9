"""Objects in one S3 bucket, under one prefix; encrypted as the bucket says."""

from adapters.aws.api import Api
from adapters.aws.bucket import Bucket
from adapters.aws.place import AwsPlace
from adapters.bucket_blobs import BucketBlobs


class S3Blobs(BucketBlobs):
    """Objects in S3, which reads what was written last and decides between writers that expect something.

    Tags are S3's. A URL ends with the credentials that signed it, if those end first.
    """

    def __init__(self, api: Api, place: AwsPlace, *, prefix: str) -> None:
        super().__init__(Bucket(api, place), prefix=prefix)

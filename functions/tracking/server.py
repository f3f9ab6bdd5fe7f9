"""What the server says of itself, as MLflow's clients and UI ask before they ask for anything else."""

from collections.abc import Mapping, Sequence
from typing import Final

from functions.tracking.artifact_uploads import PastUs
from functions.tracking.requests import Route
from functions.web import Answer, Call, json_answer

VERSION: Final = "3.17.2"
"""The MLflow whose protocol is spoken."""

_INFO: Final[Mapping[str, object]] = {
    # Clients know no other name for a store that is kept in tables.
    "store_type": "SqlStore",
    "workspaces_enabled": False,
    "trace_archival_enabled": False,
    "presigned_upload_run_id_supported": False,
    "presigned_upload_model_id_supported": False,
    "features_enabled": {"gateway": False},
}


def routes(past_us: PastUs) -> Sequence[Route]:
    """Return the calls."""
    return [Route("GET", "3.0/mlflow/server-info", lambda _: json_answer({**_INFO, **past_us.told()}))]


def version(_: Call) -> Answer:
    """Answer which MLflow's protocol is spoken."""
    return Answer(VERSION.encode(), content_type=b"text/plain; charset=utf-8")

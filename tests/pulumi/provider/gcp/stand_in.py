"""Google Cloud, as far as the stand-in must know it: the one on this machine at `LOOPWRIGHT_GCP_ENDPOINT`."""

import os
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from adapters.gcp.replies import ServiceError
from tests.pulumi.provider.cloud import Cloud
from tests.pulumi.provider.gcp.kinds import Google
from tests.pulumi.provider.kinds import UnknownKindError


class GoogleHere(Cloud[Google]):
    """Google Cloud."""

    name = "gcp"

    def place(self, config: Mapping[str, Any]) -> Google:
        return Google(os.environ["LOOPWRIGHT_GCP_ENDPOINT"], config.get("project", ""), config.get("region", ""))

    def look_up(self, token: str, place: Google, asked: Mapping[str, Any]) -> dict[str, Any]:
        match token:
            case "gcp:organizations/getProject:getProject":
                project = asked.get("projectId") or place.project
                found = place.call("GET", f"/v1/projects/{project}")
                return {"id": f"projects/{project}", "projectId": project, "number": found["projectNumber"]}
            case _:
                raise UnknownKindError(f"{token}: the stand-in for gcp does not know this question")

    def is_gone(self, error: Exception) -> bool:
        return isinstance(error, ServiceError) and error.status == HTTPStatus.NOT_FOUND


CLOUD: Final = GoogleHere()

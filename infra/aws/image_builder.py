"""A function of its own that has an image built and waits for it; Pulumi calls it when the image's inputs change.

Lambda's Python brings boto3; nothing else is used. It is uploaded as this one file.
"""

import time
from collections.abc import Callable
from typing import Any

PAUSE = 5.0
"""Seconds between two looks at the build; Lambda ends the function, and the deployment fails, after 15 minutes."""


def handler(event: dict[str, str], _context: object) -> dict[str, str]:
    """Return the image as `{"image": uri}`, built by `event["project"]` unless the repository has its tag already.

    Raises:
        RuntimeError: the build failed; the message says where its log is.
    """
    import boto3  # Lambda's own

    return {"image": image(event, boto3.client("ecr"), boto3.client("codebuild"), time.sleep)}


def image(event: dict[str, str], registry: Any, builds: Any, sleep: Callable[[float], None]) -> str:  # noqa: ANN401
    """Do the work of `handler` with clients of ECR and CodeBuild, which boto3 gives no types."""
    found = registry.batch_get_image(repositoryName=event["repository"], imageIds=[{"imageTag": event["tag"]}])
    if not found["images"]:
        started = builds.start_build(projectName=event["project"])
        _wait(builds, started["build"]["id"], sleep)
    return f"{event['uri']}:{event['tag']}"


def _wait(builds: Any, build_id: str, sleep: Callable[[float], None]) -> None:  # noqa: ANN401
    while True:
        (build,) = builds.batch_get_builds(ids=[build_id])["builds"]
        if build["buildStatus"] == "SUCCEEDED":
            return
        if build["buildStatus"] != "IN_PROGRESS":
            log = build.get("logs", {}).get("deepLink", "CodeBuild's console")
            raise RuntimeError(f"the training image could not be built, {build['buildStatus']}: see {log}")
        sleep(PAUSE)

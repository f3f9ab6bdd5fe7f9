"""A function of its own that has an image built and waits for it; Pulumi calls it when the image's inputs change.

Lambda's Python brings boto3; nothing else is used. It is uploaded as this one file.
"""

import time
from typing import Any

PAUSE = 5.0
"""Seconds between two looks at the build; Lambda ends the function, and the deployment fails, after 15 minutes."""


def handler(event: dict[str, str], _context: object) -> dict[str, str]:
    """Return the image as `{"image": uri}`, built by `event["project"]` unless the repository has its tag already.

    Raises:
        RuntimeError: the build failed; the message says where its log is.
    """
    import boto3

    if not _is_there(boto3.client("ecr"), event["repository"], event["tag"]):
        builds = boto3.client("codebuild")
        started = builds.start_build(projectName=event["project"], idempotencyToken=event["tag"][:64])
        _wait(builds, started["build"]["id"])
    return {"image": f"{event['uri']}:{event['tag']}"}


def _is_there(registry: Any, repository: str, tag: str) -> bool:  # noqa: ANN401 - a client of boto3 has no type
    found = registry.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": tag}])
    return bool(found["images"])


def _wait(builds: Any, build_id: str) -> None:  # noqa: ANN401
    while True:
        (build,) = builds.batch_get_builds(ids=[build_id])["builds"]
        if build["buildStatus"] == "SUCCEEDED":
            return
        if build["buildStatus"] != "IN_PROGRESS":
            log = build.get("logs", {}).get("deepLink", "CodeBuild's console")
            raise RuntimeError(f"the training image could not be built, {build['buildStatus']}: see {log}")
        time.sleep(PAUSE)

"""What Lambda brings to a package, brought by this machine: the runtime of its Python, and containers without Docker.

A function is deployed with a `bootstrap` beside its own files. That starts an interpreter which has nothing but the
package and what Lambda's own Python has; so a package that lacks something fails here as it would there. An image is
the archive that it was built from, run by the interpreter of this project, whose environment has the same lock file.
"""

import io
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.clouds.tools import MissingToolError, interpreter, lambda_client
from tests.pulumi.provider.aws.kinds import Aws
from tests.pulumi.provider.inputs import Inputs

_BOOTSTRAP: Final = """#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
case "$LOOPWRIGHT_PROJECT" in {root}/*) export LOOPWRIGHT_PROJECT="$here${{LOOPWRIGHT_PROJECT#{root}}}" ;; esac
unset PYTHONPATH PYTHONHOME
cd "$here"
exec '{python}' {flags} -u -c 'import sys
sys.path[:0] = sys.argv[1:3]
from awslambdaric.__main__ import main
main(["awslambdaric", sys.argv[3]])' "$here" '{client}' '{handler}'
"""
_ABSENT: Final = """#!/bin/sh
echo '{reason}' >&2
exit 1
"""


@dataclass(frozen=True, slots=True)
class Code:
    """What is deployed: a zip with a `bootstrap` in it."""

    content: bytes
    handler: str


def code_of(aws: Aws, inputs: Inputs) -> Code:
    """Return what a function consists of.

    Raises:
        ValueError: it runs on something else than Python; or no build has made the image.
    """
    inputs.get("sourceCodeHash")
    if "imageUri" in inputs:
        return _image(aws, inputs)
    version = inputs["runtime"].removeprefix("python")
    if version == inputs["runtime"]:
        raise ValueError(f"runtime {inputs['runtime']}: the stand-in runs Python only")
    return Code(_with_bootstrap(_package(aws, inputs), _managed(version, inputs["handler"])), inputs["handler"])


def _package(aws: Aws, inputs: Inputs) -> bytes:
    if "s3Bucket" in inputs:
        return _object(aws, inputs["s3Bucket"], inputs["s3Key"])
    archive = inputs["code"]
    if archive.path:
        return archive.path.read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in archive.files():
            file.writestr(zipfile.ZipInfo(name), content)
    return packed.getvalue()


def _object(aws: Aws, bucket: str, key: str) -> bytes:
    content: bytes = aws.api("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return content


def _managed(version: str, handler: str) -> str:
    try:
        python = interpreter(version)
        client = lambda_client(python)
    except MissingToolError as error:
        return _ABSENT.format(reason=str(error).replace("'", ""))
    return _BOOTSTRAP.format(root="/var/task", python=python, flags="-I -S", client=str(client), handler=handler)


def _image(aws: Aws, inputs: Inputs) -> Code:
    uri = inputs["imageUri"]
    handler: str = inputs.part("imageConfig").get("commands")[0]
    bucket, _, key = _built_from(aws, uri).partition("/")
    client = str(lambda_client(Path(sys.executable)))
    bootstrap = _BOOTSTRAP.format(
        root="/opt/loopwright", python=sys.executable, flags="-I", client=client, handler=handler
    )
    return Code(_with_bootstrap(_object(aws, bucket, key), bootstrap), handler)


def _built_from(aws: Aws, uri: str) -> str:
    """Return where the archive is that an image was built from, by the records of the builds."""
    builds = aws.api("codebuild")
    ids = builds.list_builds().get("ids", [])
    for build in builds.batch_get_builds(ids=ids)["builds"] if ids else ():
        variables: list[dict[str, Any]] = build["environment"].get("environmentVariables", [])
        if build["buildStatus"] == "SUCCEEDED" and uri in {one["value"] for one in variables}:
            location: str = build["source"]["location"]
            return location
    raise ValueError(f"image {uri}: no build has made it")


def _with_bootstrap(package: bytes, bootstrap: str) -> bytes:
    packed = io.BytesIO(package)
    entry = zipfile.ZipInfo("bootstrap", (1980, 1, 1, 0, 0, 0))
    entry.create_system, entry.external_attr = 3, 0o100755 << 16
    with zipfile.ZipFile(packed, "a") as file:
        file.writestr(entry, bootstrap)
    return packed.getvalue()

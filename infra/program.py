"""The Pulumi program: configuration in, resources and outputs out."""

from pathlib import Path
from typing import Final

import pulumi

from infra.artifacts import Artifacts, BuiltArtifacts
from infra.config import StackConfig, read_config
from infra.plan import plan
from loopwright.definitions.project import load_project
from loopwright.errors import LoopwrightError

ROOT: Final = Path(__file__).resolve().parents[1]


def main() -> None:
    """Deploy the configured project.

    Raises:
        pulumi.RunError: the configuration or the project is wrong; Pulumi shows the message alone.
    """
    try:
        config = read_config(pulumi.Config(), stack=pulumi.get_stack(), root=ROOT)
        deploy(config, BuiltArtifacts(config, ROOT))
    except LoopwrightError as error:
        raise pulumi.RunError(str(error)) from error


def deploy(config: StackConfig, artifacts: Artifacts) -> None:
    """Make the resources of the configured project, and export what people need of them."""
    spec = plan(load_project(config.folder), config)
    match config.provider:
        case "aws":
            from infra import aws  # noqa: PLC0415 - one provider's SDK is enough

            outputs = aws.build(spec, artifacts)
        case "gcp":
            from infra import gcp  # noqa: PLC0415

            outputs = gcp.build(spec, artifacts)
    for name, value in outputs.items():
        pulumi.export(name, value)

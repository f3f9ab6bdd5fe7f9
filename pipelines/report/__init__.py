"""The loop's story as one HTML file: gathered from the stores, told in charts and in words."""

from pathlib import Path

from loopwright.definitions import Project
from loopwright.ports import Platform
from pipelines.report.page import page
from pipelines.report.story import gather

__all__ = ["write_report"]


def write_report(platform: Platform, project: Project, model_name: str, path: Path) -> None:
    """Write the report of one model; it opens in a browser without a network.

    Raises:
        NotFoundError: there is no such model, or it has made no predictions yet.
    """
    text = page(gather(platform, project, model_name))
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(text, "utf-8")
    draft.replace(path)

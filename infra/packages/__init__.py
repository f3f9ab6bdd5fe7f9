"""What is deployed, built without Docker: zips of functions from the lock file, and the training image's source."""

from infra.packages.build import build_package
from infra.packages.image import Archive, build_image_context
from infra.packages.kinds import KIND_OF, Architecture, Kind
from infra.packages.package import Package

__all__ = ["KIND_OF", "Architecture", "Archive", "Kind", "Package", "build_image_context", "build_package"]

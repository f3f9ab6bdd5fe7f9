"""What MLflow's clients send about registered models and their versions."""

import msgspec

from functions.tracking.errors import MlflowError

_DIGITS = 9


class Tag(msgspec.Struct):
    """A tag."""

    key: str = ""
    value: str = ""


class Name(msgspec.Struct):
    """A registered model."""

    name: str = ""


class NewModel(Name):
    """A registered model that is to be."""

    description: str | None = None
    tags: list[Tag] = []


class Described(Name):
    """A model's new description."""

    description: str = ""


class Renamed(Name):
    """A model's new name."""

    new_name: str = ""


class ModelTag(Name):
    """A model's tag."""

    key: str = ""
    value: str = ""


class Stages(Name):
    """Of which stages the newest versions are wanted; none: of all."""

    stages: list[str] = []


class Numbered(Name):
    """A version."""

    version: str = ""

    @property
    def number(self) -> int:
        """Its number, or raise `MlflowError` if it is none; what is longer than any number there is, is 0."""
        return number_of(self.version)


class NewModelVersion(Name):
    """A version that is to be."""

    source: str = ""
    run_id: str | None = None
    run_link: str = ""
    description: str = ""
    model_id: str | None = None
    tags: list[Tag] = []


class VersionDescribed(Numbered):
    """A version's new description; None: it has none any more."""

    description: str | None = None


class VersionTag(Numbered):
    """A version's tag."""

    key: str = ""
    value: str = ""


class Staged(Numbered):
    """A version's new stage."""

    stage: str = ""
    archive_existing_versions: bool = False


class Alias(Name):
    """An alias."""

    alias: str = ""


class Aliased(Numbered):
    """An alias, and where it leads."""

    alias: str = ""


class SearchModels(msgspec.Struct):
    """A search for registered models."""

    filter: str = ""
    max_results: int = 100
    order_by: list[str] = []
    page_token: str = ""


class SearchVersions(msgspec.Struct):
    """A search for versions."""

    filter: str = ""
    max_results: int = 10_000
    order_by: list[str] = []
    page_token: str = ""


def number_of(text: str) -> int:
    """Return a version's number, or raise `MlflowError` if it is none; 0, which no version has, if it is too large."""
    try:
        number = int(text)
    except ValueError as error:
        raise MlflowError("INVALID_PARAMETER_VALUE", f"version {text[:50]!r}: a version is a whole number") from error
    return number if len(str(abs(number))) <= _DIGITS else 0


def tags_in(tags: list[Tag]) -> dict[str, str]:
    """Return tags by key; of those with one key the last counts."""
    return {tag.key: tag.value for tag in tags}

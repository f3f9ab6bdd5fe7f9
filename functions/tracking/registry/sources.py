"""Where a new version's files come from: what MLflow's server takes as a source, and what it finds out from it.

A source must be in the run or the logged model that the request names, so that nobody gets at another's files by
registering them. Paths of the server's own disk are taken from nobody: there is none.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, NoReturn
from urllib.parse import SplitResult, unquote, unquote_plus, urlsplit

import msgspec

from functions.tracking.errors import MlflowError
from functions.tracking.registry.requests import NewModelVersion, number_of, tags_in
from functions.tracking.registry.searches import IS_PROMPT
from functions.tracking.registry.views import files_of
from loopwright.errors import InvalidInputError, NotFoundError
from loopwright.registry import ModelVersion, NewSource, Registry, stage_named
from loopwright.tracking import LoggedModels, Tracking
from loopwright.tracking.locations import run_location

VERSIONS_TAG: Final = "mlflow.modelVersions"
"""The tag of a logged model that names the versions that were made of it."""

_PROMPTS: Final = frozenset({"dummy-source", "prompt-template"})

_HOSTS: Final = frozenset({"ftp", "sftp", "hdfs", "viewfs", "http", "https", "mlflow-artifacts", "r2", "b2", "abfss"})
"""Schemes whose URIs name a host that somebody would have to connect to."""


class _Origin(NamedTuple):
    """What a request says of where a version comes from; `location`: where the files of a registered one are."""

    source: str
    run_id: str
    model_id: str
    location: str = ""


class _Made(msgspec.Struct, frozen=True):
    """A version that was made of a logged model, as the model's tag has it."""

    name: str
    version: int | str


class Sources:
    """Reads requests for new versions."""

    def __init__(self, registry: Registry, tracking: Tracking, models: LoggedModels) -> None:
        self._registry = registry
        self._tracking = tracking
        self._models = models

    def read(self, asked: NewModelVersion, *, user: str) -> NewSource:
        """Return what is to be registered, in this user's name.

        Raises:
            MlflowError: the source is none that MLflow takes, or not in what the request names.
            NotFoundError: there is no such version or logged model.
        """
        if not asked.source:
            raise MlflowError("INVALID_PARAMETER_VALUE", "a version needs a source: the URI of its files")
        tags = tags_in(asked.tags)
        _check_host(asked.source)
        if tags.get(IS_PROMPT, "").lower() == "true":
            origin = _prompt(asked)
        else:
            origin = self._lineage(asked)
            self._check(origin)
        location, run_id = self._found(origin)
        return NewSource(
            model=asked.name,
            source=origin.source,
            location=location,
            run_id=run_id,
            run_link=asked.run_link,
            model_id=origin.model_id,
            user=user,
            description=asked.description,
            tags=tags,
        )

    def remember(self, model_id: str, version: ModelVersion) -> None:
        """Note on a logged model that this version was made of it."""

        def added(before: str | None) -> str:
            known = msgspec.json.decode(before, type=list[_Made]) if before else []
            made = _Made(version.model, version.version)
            return msgspec.json.encode(known if made in known else [*known, made]).decode()

        self._models.edit_tag(model_id, VERSIONS_TAG, added)

    def _lineage(self, asked: NewModelVersion) -> _Origin:
        """Return the origin that a request tells, or that of the version which its source is."""
        told = _Origin(asked.source, asked.run_id or "", asked.model_id or "")
        parts = _parts(asked.source)
        if parts.scheme != "models" or _model_id(parts, asked.source):
            return told
        version = self._version(parts, asked.source)
        if (asked.run_id is not None and asked.run_id != version.run_id) or (
            asked.model_id is not None and asked.model_id != version.model_id
        ):
            _refuse(
                asked.source, f"run_id and model_id must be those of version {version.version} of {version.model!r}"
            )
        name = f"models:/{version.model}/{version.version}"
        return _Origin(name, version.run_id, version.model_id, files_of(version))

    def _version(self, parts: SplitResult, source: str) -> ModelVersion:
        if parts.netloc:
            _refuse(source, "it must be in this registry")
        name, slash, suffix = parts.path.lstrip("/").partition("/")
        alias = "" if slash else name.rpartition("@")[2]
        name = name if slash else name.rpartition("@")[0]
        model = self._registry.model(name)
        if model.tags.get(IS_PROMPT) == "true":
            _refuse(source, "a prompt is no model")
        if suffix.isdigit():
            return self._registry.version(name, number_of(suffix))
        if slash and suffix.lower() != "latest":
            return self._latest(name, source, suffix)
        number = self._registry.alias(name, alias) if alias else self._newest(name)
        if number is None:
            raise MlflowError("INVALID_PARAMETER_VALUE", f"model {name!r} has no alias {alias!r}: set it first")
        return self._registry.version(name, number)

    def _latest(self, name: str, source: str, stage: str) -> ModelVersion:
        try:
            found = self._registry.latest_versions(name).get(stage_named(stage))
        except InvalidInputError as error:
            raise MlflowError("INVALID_PARAMETER_VALUE", str(error)) from error
        return found or _refuse(source, f"no version of {name!r} is in that stage")

    def _newest(self, name: str) -> int:
        versions: Sequence[ModelVersion] = self._registry.versions(name)
        if not versions:
            raise NotFoundError(f"registered model {name!r} has no versions yet")
        return versions[0].version

    def _check(self, origin: _Origin) -> None:
        """Raise `MlflowError` unless the source is in what the request names."""
        source, parts = origin.source, _parts(origin.source)
        if parts.scheme in {"", "file"}:
            _refuse(
                source, "this server has no disk that a path could be on: log the model, and register what was logged"
            )
        _check_path(source)
        match parts.scheme:
            case "runs":
                run_id = parts.path.lstrip("/").partition("/")[0]
                if origin.model_id or parts.netloc or not run_id or run_id != origin.run_id:
                    _refuse(source, "run_id must be the run that the source is in, without a model_id")
            case "models":
                model_id = _model_id(parts, source)
                if model_id and model_id != origin.model_id:
                    _refuse(source, "model_id must be the logged model that the source is")
            case "mlflow-artifacts":
                root = self._root(origin)
                if root is None or not _is_within(source, root):
                    _refuse(source, "run_id or model_id must be the run or the logged model that the source is in")
            case _:
                return

    def _root(self, origin: _Origin) -> str | None:
        """Return where the files are of what a request names; None: it names nothing that is there."""
        try:
            if origin.model_id:
                return self._models.model(origin.model_id).location
            if origin.run_id:
                run = self._tracking.run(origin.run_id)
                return run_location(self._tracking.experiment(run.experiment_id), run.id)
        except NotFoundError:
            return None
        return None

    def _found(self, origin: _Origin) -> tuple[str, str]:
        """Return where the files of a new version are, if not where its source says, and the run that it is of."""
        if origin.location or not origin.model_id:
            return origin.location, origin.run_id
        model = self._models.model(origin.model_id)
        location = model.location if _parts(origin.source).scheme == "models" else ""
        return location, origin.run_id or model.source_run_id


def _prompt(asked: NewModelVersion) -> _Origin:
    if asked.source not in _PROMPTS:
        _refuse(asked.source, f"a prompt's source is {' or '.join(sorted(_PROMPTS))}")
    return _Origin(asked.source, asked.run_id or "", asked.model_id or "")


def _parts(source: str) -> SplitResult:
    try:
        return urlsplit(source)
    except ValueError:
        _refuse(source, "it is no URI")


def _model_id(parts: SplitResult, source: str) -> str:
    """Return which logged model a `models:` URI names; empty: a registered one. Or raise `MlflowError`."""
    first, slash, rest = parts.path.lstrip("/").partition("/")
    if not parts.path.startswith("/") or not first.strip() or "/" in rest or not _ends(rest if slash else first):
        _refuse(source, "write models:/<model_id>, models:/<name>/<version> or models:/<name>@<alias>")
    return "" if slash or "@" in first else first


def _ends(last: str) -> bool:
    return bool(last.strip()) and bool(last.rpartition("@")[2].strip())


def _check_host(source: str) -> None:
    parts = _parts(source)
    if parts.scheme in _HOSTS and (parts.scheme != "mlflow-artifacts" or parts.netloc):
        _refuse(source, f"{parts.scheme} names a host of its own, and files are kept here or in a cloud's storage")


def _check_path(source: str) -> None:
    """Raise `MlflowError` if the path goes up or around, however it is escaped."""
    plain = source
    while (once_more := unquote_plus(plain)) != plain:
        plain = once_more
    segments = urlsplit(plain).path.rstrip("/").split("/")
    if ".." in plain.split("/") or "." in segments or "\x00" in plain:
        _refuse(source, "its path must be absolute, without . and .. parts")


def _is_within(source: str, root: str) -> bool:
    inner, outer = _segments(source), _segments(root)
    return len(outer) > 1 and inner[: len(outer)] == outer


def _segments(uri: str) -> list[str]:
    parts = urlsplit(uri)
    return [f"{parts.scheme.lower()}://{parts.netloc.lower()}", *(_plain(one) for one in parts.path.split("/") if one)]


def _plain(segment: str) -> str:
    while (once_more := unquote(segment)) != segment:
        segment = once_more
    return segment


def _refuse(source: str, why: str) -> NoReturn:
    raise MlflowError("INVALID_PARAMETER_VALUE", f"source {source[:200]!r} is not taken: {why}")

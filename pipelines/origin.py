"""Where a model comes from: code, data, features, environment, and the notebook if one made it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from loopwright.clock import isoformat
from loopwright.errors import NotFoundError
from loopwright.gate import Verdict
from loopwright.ports import Platform
from loopwright.registry import DatasetPin, ModelVersion, Registry
from loopwright.tracking import Run, Tracking
from pipelines.training.journal import PREFIX


@dataclass(frozen=True, slots=True)
class Notebook:
    """Where an adopted model was trained.

    Attributes:
        version: what the notebook registered, as `<model>/<number>`.
        run_id: the run that logged it; empty: none is known.
        who: whose run it is.
        source: the notebook's or the program's name.
        commit: of the notebook's code.
        parameters: as that run has logged them.
    """

    version: str
    run_id: str
    who: str = ""
    source: str = ""
    commit: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a model comes from.

    Attributes:
        model: its name.
        version: its number; None: the run has registered none.
        aliases: the aliases that lead to it now.
        run_id: the run that made it.
        status: the run's.
        reason: why it was trained.
        who: who asked.
        trained: the moment of the request, RFC 3339.
        commit: of the code; "unknown" without a repository.
        dirty: whether files differed from the commit; the patch is the run's artifact `lineage/dirty.diff`.
        code: the digest of the files as they ran.
        features: the digest of the features' definitions.
        environment: the digest of the installed packages, listed in the artifact `lineage/environment.txt`.
        datasets: tables, versions and digests.
        parameters: of the training function.
        metrics: the latest of the run.
        package: the digest of the model's package; empty without a version.
        verdict: what the gate said.
        error: why the run failed; empty: it did not.
        adopted: where it was trained, if a notebook did it; None: here.
    """

    model: str
    version: int | None
    aliases: tuple[str, ...]
    run_id: str
    status: str
    reason: str
    who: str
    trained: str
    commit: str
    dirty: bool
    code: str
    features: str
    environment: str
    datasets: tuple[DatasetPin, ...]
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]
    package: str
    verdict: Verdict | None
    error: str
    adopted: Notebook | None = None


class Tracing:
    """Reads the tracking and the registry of one platform."""

    def __init__(self, platform: Platform) -> None:
        self.tracking = Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)
        self._registry = Registry(platform.table, clock=platform.clock, new_id=platform.new_id)

    def version(self, name: str) -> Origin:
        """Return the origin of `model/number` or `model@alias`."""
        model, _, number = name.replace("@", "/").partition("/")
        version = self._registry.alias(model, number) if "@" in name else int(number) if number.isdigit() else None
        if version is None:
            raise NotFoundError(f"there is no version {name!r}: write <model>/<number> or <model>@<alias>")
        found = self._registry.version(model, version)
        return self.origin(self.tracking.run(found.run_id), found)

    def origin(self, run: Run, version: ModelVersion | None = None) -> Origin:
        """Return the origin of a run's model."""
        tags = {name.removeprefix(PREFIX): value for name, value in run.tags.items() if name.startswith(PREFIX)}
        model = tags.get("model", run.name)
        if version is None and "version" in tags:
            version = self._registry.version(model, int(tags["version"]))
        aliases = self._registry.routing(model).aliases if version else {}
        return Origin(
            model=model,
            version=version.version if version else None,
            aliases=tuple(sorted(name for name, number in aliases.items() if version and number == version.version)),
            run_id=run.id,
            status=run.status,
            reason=tags.get("reason", ""),
            who=tags.get("who", ""),
            trained=isoformat(run.started),
            commit=tags.get("commit", "unknown"),
            dirty=tags.get("dirty") == "true",
            code=tags.get("code", ""),
            features=tags.get("features", ""),
            environment=tags.get("environment", ""),
            datasets=tuple(DatasetPin(one.name, one.version or 0, one.digest) for one in run.inputs),
            parameters=run.params,
            metrics={name: metric.value for name, metric in run.metrics.items()},
            package=version.digest if version else "",
            verdict=version.verdict if version else None,
            error=tags.get("error", ""),
            adopted=self._notebook(tags),
        )

    def _notebook(self, tags: Mapping[str, str]) -> Notebook | None:
        """Return what the run of the notebook says of itself."""
        if "adopted_from" not in tags:
            return None
        version, run_id = tags["adopted_from"], tags.get("adopted_run", "")
        try:
            run = self.tracking.run(run_id) if run_id else None
        except NotFoundError:
            run = None
        if run is None:
            return Notebook(version, run_id)
        who, source, commit = (run.tags.get(f"mlflow.{name}", "") for name in _TOLD)
        return Notebook(version, run_id, who, source, commit, run.params)


_TOLD: Final = ("user", "source.name", "source.git.commit")

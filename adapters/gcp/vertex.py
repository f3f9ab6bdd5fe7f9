"""Versions in Vertex AI's Model Registry and runs in Vertex AI Experiments, for people who look there.

Vertex AI counts versions itself; the alias `loopwright-7` says which one of there is our version 7, so that a version
which is told again is found again. A model is there `<queues>-<model>`, and so is the experiment of its runs.
"""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from typing_extensions import override

from adapters.gcp.place import GcpPlace
from adapters.gcp.vertex_client import opened
from loopwright.errors import CapabilityError
from loopwright.ports.mirror import Mirror, MirroredRun, MirroredState, MirroredVersion

_OURS: Final = "loopwright-"
_DEFAULT: Final = "default"
_CHAMPION: Final = "champion"
_PORT: Final = 8080
_COMMAND: Final = ("python", "-m", "functions.container", "predict")
_LABELS: Final = 64
_LABEL: Final = 63
_TEXT: Final = 500
_PATIENCE: Final = 300.0
_OTHER: Final = re.compile(r"[^a-z0-9-]+")
_OTHER_IN_LABELS: Final = re.compile(r"[^a-z0-9_-]+")

_STATES: Final[Mapping[MirroredState, str]] = {
    "running": "RUNNING",
    "finished": "COMPLETE",
    "failed": "FAILED",
    "killed": "CANCELLED",
}
"""What Vertex AI calls the states of a run."""


class VertexMirror(Mirror):
    """Models and runs of one stack. Google's library keeps one place for a whole process, so calls take turns."""

    def __init__(self, place: GcpPlace) -> None:
        self._place = place
        self._lock = threading.Lock()

    @override
    def show_versions(self, model: str, versions: Sequence[MirroredVersion]) -> None:
        """Upload versions that are not there, and move aliases.

        The model there is a copy: an alias that somebody has set there by hand is taken away.
        """
        with self._opened(f"show versions of {model} on Vertex AI") as library:
            known = _Versions(library, self._place, model)
            for one in versions:
                mark = f"{_OURS}{one.version}"
                if known.number_of(mark) is None:
                    known.upload(one, mark, image=self._image())
            known.lead({alias: f"{_OURS}{one.version}" for one in versions for alias in _aliases(one)})

    @override
    def show_run(self, run: MirroredRun) -> None:
        experiment, name = _named(f"{self._place.queues}-{run.model}"), _named(run.id)
        with self._opened(f"show run {run.id} on Vertex AI") as library:
            from google.api_core.exceptions import AlreadyExists, NotFound

            library.Experiment.get_or_create(experiment)
            try:
                there = library.ExperimentRun(name, experiment=experiment)
            except (NotFound, ValueError):
                try:
                    there = library.ExperimentRun.create(name, experiment=experiment)
                except AlreadyExists:
                    there = library.ExperimentRun(name, experiment=experiment)
            # Who made the run may have died before it belonged to the experiment.
            node = library.Context(f"{experiment}-{name}")
            library.Context(experiment).add_context_children([node])
            there.log_params({key: value[:_TEXT] for key, value in run.params.items()})
            there.log_metrics(dict(run.metrics))
            there.update_state(library.gapic.Execution.State[_STATES[run.state]])

    def _image(self) -> str:
        image = self._place.serving_image or self._place.training_image
        if not image:
            raise CapabilityError(
                "a model on Vertex AI has an image that serves it: set LOOPWRIGHT_GCP_SERVING_IMAGE, or unset "
                "LOOPWRIGHT_GCP_VERTEX"
            )
        return image

    @contextmanager
    def _opened(self, doing: str) -> Iterator[Any]:
        with self._lock, opened(self._place, doing) as library:
            yield library


class _Versions:
    """The versions of one model on Vertex AI."""

    def __init__(self, library: Any, place: GcpPlace, model: str) -> None:  # noqa: ANN401 - Google's is not typed
        self._library = library
        self._place = place
        self._model = model
        self._name = _named(f"{place.queues}-{model}")
        self._versions: dict[str, set[str]] = self._read()

    def number_of(self, alias: str) -> str | None:
        """Return the version there that an alias leads to."""
        return next((number for number, aliases in self._versions.items() if alias in aliases), None)

    def upload(self, one: MirroredVersion, mark: str, *, image: str) -> None:
        """Upload a version under its mark."""
        place = self._place
        there = {"parent_model": self._name} if self._versions else {"model_id": self._name}
        self._library.Model.upload(
            serving_container_image_uri=image,
            artifact_uri=f"gs://{place.bucket}/blobs/{one.package}",
            display_name=self._name,
            is_default_version=False,
            version_aliases=[mark],
            version_description=one.description[:_TEXT],
            serving_container_command=list(_COMMAND),
            serving_container_ports=[_PORT],
            serving_container_environment_variables={"LOOPWRIGHT_PROVIDER": "gcp", **place.to_env()},
            labels=_labels(one, place.queues),
            upload_request_timeout=_PATIENCE,
            **there,
        )
        self._versions = self._read()

    def lead(self, wanted: Mapping[str, str]) -> None:
        """Have each alias lead to the version with its mark, and take all others away that are no marks."""
        registry = self._library.models.ModelRegistry(self._name)
        for number, aliases in self._versions.items():
            gone = sorted(one for one in aliases - wanted.keys() - {_DEFAULT} if not one.startswith(_OURS))
            if gone:
                registry.remove_version_aliases(gone, version=number)
        for alias, mark in wanted.items():
            found = self.number_of(mark)
            if found is not None and alias not in self._versions[found]:
                registry.add_version_aliases([alias], version=found)

    def _read(self) -> dict[str, set[str]]:
        from google.api_core.exceptions import NotFound

        try:
            found = self._library.models.ModelRegistry(self._name).list_versions()
        except NotFound:
            return {}
        return {one.version_id: set(one.version_aliases) for one in found}


def _aliases(one: MirroredVersion) -> Iterator[str]:
    """Yield the aliases as Vertex AI takes them; the champion is what it serves when nobody says otherwise."""
    yield from (_alias(name) for name in one.aliases)
    if _CHAMPION in one.aliases:
        yield _DEFAULT


def _alias(name: str) -> str:
    """Return an alias of ours: it begins with a letter there, ends with a letter or a digit, and is not too short."""
    plain = _named(name)
    return plain if len(plain) > 1 and plain[0].isalpha() and plain != _DEFAULT else f"alias-{plain}"


def _named(name: str) -> str:
    return _OTHER.sub("-", name.lower()).strip("-")[:128]


def _labels(one: MirroredVersion, stack: str) -> dict[str, str]:
    labels = {"loopwright-stack": stack, "loopwright-version": str(one.version), "loopwright-run": one.run_id}
    labels |= {name: value for name, value in one.lineage.items() if value}
    plain = {_label(name): _label(value) for name, value in labels.items()}
    return dict(list(plain.items())[:_LABELS])


def _label(value: str) -> str:
    return _OTHER_IN_LABELS.sub("-", value.lower())[:_LABEL]

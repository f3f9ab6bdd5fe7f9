"""Tracking: experiments, runs and artifacts.

Items of the table:

    partition                sort                        what
    experiments              id/<experiment id>          an experiment
    experiments              name/<digest of the name>   whose a name is, kept while the experiment is deleted
    experiment/<experiment>  run/<start, µs>/<run id>    a run's head: its state and the latest of all it logged
    experiment/<experiment>  model/<age, ms>/<model id>  a logged model's head: its state, params, tags, newest points
    experiment/<experiment>  dataset/<digest>            schema and profile of a data set that its runs read
    experiment/<experiment>  use/<digest>                that runs of it read a data set, and for what
    run/<run id>             home                        where its head is
    run/<run id>             part/<number>               entries that the head has no room for
    run/<run id>             history/<digest>/<number>   points of one metric, a chunk a call
    run/<run id>             history/*/<number>          points of several metrics, a chunk a call
    logged-model/<model id>  home                        where its head is
    logged-model/<model id>  part/<number>               older points that the head has no room for

Why so: a search reads one partition from its end and finds in each head all that it can ask about (state, latest
metrics, params, tags), so 100,000 runs are listed newest first, a page at a time, and no history is read. Entries are
packed, a few kilobytes for the usual run, and overflow into parts of at most 200 kB, so that no item comes near the
400 kB that DynamoDB takes. A call of `log_batch` is one transaction, of the head (by compare-and-set, so that writers
to one run take turns and lose nothing) and the chunk with its points.

Logged models are in the partition of their experiment's runs, newest first (`age` falls as time goes on).

Artifacts are blobs under `runs/<run id>/artifacts/<path>` and `logged-models/<model id>/artifacts/<path>`.
"""

from collections.abc import Iterator

from loopwright.clock import Clock, NewId
from loopwright.ports.blobs import Blobs
from loopwright.ports.table import Table
from loopwright.tracking.artifact_paths import artifact_key, artifact_root, path_under
from loopwright.tracking.searches import Searches
from loopwright.tracking.values import ArtifactInfo


class Tracking(Searches):
    """Experiments, runs and artifacts by MLflow's rules."""

    def __init__(self, table: Table, blobs: Blobs, *, clock: Clock, new_id: NewId) -> None:
        super().__init__(table, clock=clock, new_id=new_id)
        self._blobs = blobs

    def put_artifact(self, run_id: str, path: str, data: bytes) -> None:
        """Store a file of a run, or replace it.

        Raises:
            NotFoundError: there is no such run.
            ConflictError: it is deleted.
            InvalidInputError: the path is not relative, or has empty, `.` or `..` parts.
        """
        self._records.read(run_id).living()
        self._blobs.put(artifact_key(run_id, path), data)

    def artifact(self, run_id: str, path: str) -> bytes:
        """Return a file's bytes, or raise `NotFoundError` or, for a path that is none, `InvalidInputError`."""
        return self._blobs.get(artifact_key(run_id, path)).data

    def artifacts(self, run_id: str, prefix: str = "") -> Iterator[ArtifactInfo]:
        """Yield the run's files, those in the folder `prefix` or that file; by path, folders are entered.

        Raises:
            InvalidInputError: the prefix is not a path.
        """
        root = artifact_root(run_id)
        start = artifact_key(run_id, prefix) if prefix else f"{root}/"
        for info in self._blobs.list(start):
            if not prefix or info.key == start or info.key.startswith(f"{start}/"):
                yield ArtifactInfo(path_under(root, info.key), info.size)

    def delete_artifact(self, run_id: str, path: str) -> None:
        """Remove a file; do nothing when it is not there. Or raise `InvalidInputError` for a path that is none."""
        self._blobs.delete(artifact_key(run_id, path))

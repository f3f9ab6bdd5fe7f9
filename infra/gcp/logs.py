"""Where functions and jobs write, for how long that is kept, and what of it is for people to look at."""

from collections.abc import Sequence

import pulumi
import pulumi_gcp as gcp
from pulumi import Output, ResourceOptions

from infra.gcp.image import BUILDER
from infra.gcp.messaging import Messaging, let_in
from infra.gcp.place import Place
from infra.gcp.storage import Storage
from infra.spec import FAILURES, StackSpec


class Logs(pulumi.ComponentResource):
    """A log bucket of the stack's own, and the failures that Cloud Scheduler only writes a log about."""

    def __init__(self, place: Place, spec: StackSpec, *, storage: Storage, messaging: Messaging) -> None:
        super().__init__("loopwright:gcp:Logs", place.named("logs"))
        self._place, self._child = place, ResourceOptions(parent=self)
        self._keep(spec, storage)
        self._catch_failures(spec, messaging)
        self.register_outputs({})

    def _keep(self, spec: StackSpec, storage: Storage) -> None:
        """Keep the logs for as long as configured, and not in the project's own log bucket too.

        The log bucket is named like the bucket, whose name is never given twice: the name of a log bucket is taken for
        a week after it has gone.
        """
        name, place = self._place.named("logs"), self._place
        ours = stack_filter(place, spec)
        bucket = gcp.logging.ProjectBucketConfig(
            name,
            project=place.project,
            location=place.region,
            bucket_id=storage.bucket.name,
            description=f"what {place.prefix} writes",
            retention_days=spec.config.retention_days,
            opts=self._child,
        )
        sink = gcp.logging.ProjectSink(
            name,
            project=place.project,
            name=name,
            destination=Output.concat("logging.googleapis.com/", bucket.id),
            filter=ours,
            unique_writer_identity=True,
            opts=self._child,
        )
        gcp.logging.ProjectExclusion(
            name,
            project=place.project,
            name=name,
            description=f"kept in a log bucket of {place.prefix}'s own",
            filter=ours,
            opts=ResourceOptions(parent=self, depends_on=[sink]),
        )

    def _catch_failures(self, spec: StackSpec, messaging: Messaging) -> None:
        """Bring calls of schedules that came to nothing where dead letters are: Cloud Scheduler has none of its own."""
        called = [*(one.name for one in spec.schedules), *(one.name for one in spec.functions if one.feeds)]
        sink = gcp.logging.ProjectSink(
            self._place.named(FAILURES),
            project=self._place.project,
            name=self._place.named(FAILURES),
            destination=Output.concat("pubsub.googleapis.com/", messaging.failures.id),
            filter=(
                f'severity>=ERROR AND resource.type="cloud_scheduler_job" AND {_at(self._place)} '
                f"AND resource.labels.job_id={_any(self._place, called)}"
            ),
            unique_writer_identity=True,
            opts=self._child,
        )
        let_in(self._place, self._place.named(f"{FAILURES}-sink"), messaging.failures, sink.writer_identity)


def stack_filter(place: Place, spec: StackSpec) -> str:
    """Return the filter of what functions and jobs write."""
    functions = [one.name for one in spec.functions]
    jobs = [spec.jobs.name] if spec.config.image else [spec.jobs.name, BUILDER]
    services = f'(resource.type="cloud_run_revision" AND resource.labels.service_name={_any(place, functions)})'
    executions = f'(resource.type="cloud_run_job" AND resource.labels.job_name={_any(place, jobs)})'
    return f"{_at(place)} AND ({services} OR {executions})"


def _at(place: Place) -> str:
    return f'resource.labels.location="{place.region}"'


def _any(place: Place, names: Sequence[str]) -> str:
    return "(" + " OR ".join(f'"{place.named(name)}"' for name in names) + ")"

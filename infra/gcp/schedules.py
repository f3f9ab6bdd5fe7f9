"""Schedules that call functions, by Cloud Scheduler."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

import pulumi
import pulumi_gcp as gcp
from pulumi import Output, Resource, ResourceOptions

from infra.gcp.callers import Callers, audience
from infra.gcp.place import Place
from infra.gcp.services import Service
from infra.spec import ScheduleSpec

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_HOURS: Final = 24


class Schedules(pulumi.ComponentResource):
    """Every schedule: a call of `POST /due/<what>`."""

    def __init__(
        self, place: Place, specs: Sequence[ScheduleSpec], services: Mapping[str, Service], callers: Callers
    ) -> None:
        super().__init__("loopwright:gcp:Schedules", place.named("schedules"))
        for spec in specs:
            scheduled(
                place,
                spec.name,
                cron(spec.every, spec.offset),
                service=services[spec.function],
                path=f"/due/{spec.due}",
                callers=callers,
                attempts=3,
                parent=self,
            )
        self.register_outputs({})


def scheduled(
    place: Place,
    name: str,
    schedule: str,
    *,
    service: Service,
    path: str,
    callers: Callers,
    attempts: int,
    parent: Resource,
) -> gcp.cloudscheduler.Job:
    """Make a schedule that calls a function; a call that fails is made again, `attempts` times at the most."""
    return gcp.cloudscheduler.Job(
        place.named(name),
        project=place.project,
        region=place.region,
        name=place.named(name),
        schedule=schedule,
        time_zone="Etc/UTC",
        attempt_deadline=f"{max(service.spec.timeout.total_seconds(), 15):g}s",
        retry_config=gcp.cloudscheduler.JobRetryConfigArgs(
            retry_count=attempts, min_backoff_duration="10s", max_backoff_duration="600s", max_retry_duration="3600s"
        ),
        http_target=gcp.cloudscheduler.JobHttpTargetArgs(
            uri=Output.concat(service.url, path),
            http_method="POST",
            oidc_token=gcp.cloudscheduler.JobHttpTargetOidcTokenArgs(
                service_account_email=callers.email, audience=audience(place, service.spec.name)
            ),
        ),
        opts=ResourceOptions(parent=parent),
    )


def cron(every: timedelta, offset: timedelta = timedelta(0)) -> str:
    """Return the schedule in the scheduler's words.

    They tell what divides an hour or a day. Anything else is called at the longest such pace that is shorter: too
    often does no harm, as what is not due is not done.
    """
    minutes, hour = offset // _MINUTE, offset // _HOUR
    if every < _HOUR:
        pace = _divisor(60, every // _MINUTE)
        return f"{_listed(minutes, pace, 60)} * * * *"
    if every < _DAY:
        return f"{minutes % 60} {_listed(hour, _divisor(_HOURS, every // _HOUR), _HOURS)} * * *"
    return f"{minutes % 60} {hour % _HOURS} * * *"


def _divisor(whole: int, most: int) -> int:
    return max(one for one in range(1, max(most, 1) + 1) if whole % one == 0)


def _listed(first: int, pace: int, whole: int) -> str:
    return "*" if pace == 1 else ",".join(str(one) for one in range(first % pace, whole, pace))

"""Schedules that call functions, by EventBridge Scheduler."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.aws.functions import Function
from infra.aws.place import Place
from infra.aws.policies import Statement
from infra.aws.roles import service_role
from infra.spec import ScheduleSpec

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


class Schedules(pulumi.ComponentResource):
    """Every schedule, and the one role that may call the functions that have one, and nothing else."""

    def __init__(
        self,
        place: Place,
        specs: Sequence[ScheduleSpec],
        functions: Mapping[str, Function],
        failures: aws.sqs.Queue,
    ) -> None:
        super().__init__("loopwright:aws:Schedules", place.named("schedules"))
        called = [functions[name].resource.arn for name in sorted({spec.function for spec in specs})]
        statements = [Statement(["lambda:InvokeFunction"], called), Statement(["sqs:SendMessage"], [failures.arn])]
        role, policy = service_role(place, "schedules", "scheduler.amazonaws.com", statements, self)
        for spec in specs:
            name = place.named(spec.name)
            aws.scheduler.Schedule(
                name,
                name=name,
                schedule_expression=expression(spec),
                schedule_expression_timezone="UTC",
                flexible_time_window=aws.scheduler.ScheduleFlexibleTimeWindowArgs(mode="OFF"),
                target=aws.scheduler.ScheduleTargetArgs(
                    arn=functions[spec.function].resource.arn,
                    role_arn=role.arn,
                    input=json.dumps({"loopwright": spec.due}),
                    dead_letter_config=aws.scheduler.ScheduleTargetDeadLetterConfigArgs(arn=failures.arn),
                    retry_policy=aws.scheduler.ScheduleTargetRetryPolicyArgs(
                        maximum_event_age_in_seconds=3600, maximum_retry_attempts=3
                    ),
                ),
                opts=ResourceOptions(parent=self, depends_on=[policy]),
            )
        self.register_outputs({})


def expression(spec: ScheduleSpec) -> str:
    """Return the schedule in the scheduler's words.

    What divides an hour or a day is told by the clock; of anything else only the pace is kept.
    """
    minute, hour = spec.offset // _MINUTE % 60, spec.offset // _HOUR
    if spec.every < _HOUR and _HOUR % spec.every == timedelta(0):
        return f"cron({minute % (spec.every // _MINUTE)}/{spec.every // _MINUTE} * * * ? *)"
    if spec.every == _DAY:
        return f"cron({minute} {hour} * * ? *)"
    if spec.every % _HOUR == timedelta(0) and _DAY % spec.every == timedelta(0):
        return f"cron({minute} {hour % (spec.every // _HOUR)}/{spec.every // _HOUR} * * ? *)"
    return f"rate({spec.every // _MINUTE} minutes)"

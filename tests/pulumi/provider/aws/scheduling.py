"""Schedules that call something."""

from collections.abc import Mapping
from typing import Any

from tests.pulumi.provider.aws.kinds import Aws, Kind, Made, Outputs
from tests.pulumi.provider.inputs import Inputs


class Schedule(Kind, token="aws:scheduler/schedule:Schedule", named="name", replaces=["groupName"]):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        made = aws.api("scheduler").create_schedule(**self._asked(inputs))
        return f"{inputs.get('groupName', 'default')}/{inputs['name']}", {"arn": made["ScheduleArn"]}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        group, name = id_.split("/")
        found = aws.api("scheduler").get_schedule(Name=name, GroupName=group)
        return {"scheduleExpression": found["ScheduleExpression"]}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        aws.api("scheduler").update_schedule(**self._asked(inputs))
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        group, name = id_.split("/")
        aws.api("scheduler").delete_schedule(Name=name, GroupName=group)

    def _asked(self, inputs: Inputs) -> dict[str, Any]:
        return inputs.pascal(
            "name",
            "groupName",
            "description",
            "scheduleExpression",
            "scheduleExpressionTimezone",
            "flexibleTimeWindow",
            "state",
            "target",
        )

"""Logs, alarms, dashboards, budgets."""

import json
from collections.abc import Mapping
from typing import Any, Final

from tests.pulumi.provider.aws.kinds import Aws, Kind, Made, Outputs, Put, changed, pairs, retag
from tests.pulumi.provider.inputs import Inputs

_ALARM: Final = (
    "alarmDescription",
    "comparisonOperator",
    "evaluationPeriods",
    "threshold",
    "metricName",
    "namespace",
    "period",
    "statistic",
    "extendedStatistic",
    "alarmActions",
    "treatMissingData",
    "datapointsToAlarm",
)


class LogGroup(Kind, token="aws:cloudwatch/logGroup:LogGroup", named="name", tagged=True):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        name = inputs["name"]
        aws.api("logs").create_log_group(logGroupName=name, tags=inputs.get("tagsAll", {}))
        self._keep(aws, name, inputs)
        return name, {"arn": aws.arn("logs", f"log-group:{name}")}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = aws.api("logs").describe_log_groups(logGroupNamePrefix=id_)["logGroups"]
        group = next((one for one in found if one["logGroupName"] == id_), None)
        return None if group is None else {"retentionInDays": group.get("retentionInDays", 0)}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        inputs.get("name")
        if changed(known, inputs, "retentionInDays"):
            self._keep(aws, id_, inputs)
        if changed(known, inputs, "tagsAll"):
            aws.api("logs").tag_resource(resourceArn=known["arn"], tags=inputs.get("tagsAll", {}))
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("logs").delete_log_group(logGroupName=id_)

    def _keep(self, aws: Aws, name: str, inputs: Inputs) -> None:
        if days := inputs.get("retentionInDays"):
            aws.api("logs").put_retention_policy(logGroupName=name, retentionInDays=days)


class MetricAlarm(Put, token="aws:cloudwatch/metricAlarm:MetricAlarm", named="name", tagged=True):
    def put(self, aws: Aws, inputs: Inputs) -> Made:
        told = {"OKActions": inputs["okActions"]} if "okActions" in inputs else {}
        aws.api("cloudwatch").put_metric_alarm(
            AlarmName=inputs["name"],
            Dimensions=pairs(inputs.get("dimensions", {}), "Name"),
            Tags=pairs(inputs.get("tagsAll", {})),
            **inputs.pascal(*_ALARM),
            **told,
        )
        return inputs["name"], {"arn": aws.arn("cloudwatch", f"alarm:{inputs['name']}")}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = aws.api("cloudwatch").describe_alarms(AlarmNames=[id_])["MetricAlarms"]
        return {"threshold": found[0]["Threshold"]} if found else None

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("cloudwatch").delete_alarms(AlarmNames=[id_])


class Dashboard(Put, token="aws:cloudwatch/dashboard:Dashboard", named="dashboardName"):
    def put(self, aws: Aws, inputs: Inputs) -> Made:
        name, body = inputs["dashboardName"], inputs["dashboardBody"]
        json.loads(body)
        aws.api("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=body)
        return name, {"dashboardArn": f"arn:aws:cloudwatch::{aws.account}:dashboard/{name}"}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        return {"dashboardBody": aws.api("cloudwatch").get_dashboard(DashboardName=id_)["DashboardBody"]}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("cloudwatch").delete_dashboards(DashboardNames=[id_])


class Budget(Kind, token="aws:budgets/budget:Budget", named="name", replaces=["budgetType"], tagged=True):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        notices = []
        for notice in inputs.parts("notifications"):
            about = notice.pascal("notificationType", "comparisonOperator", "threshold", "thresholdType")
            people = notice.get("subscriberEmailAddresses", [])
            who = [{"SubscriptionType": "EMAIL", "Address": address} for address in people]
            notices.append({"Notification": about, "Subscribers": who})
        aws.api("budgets").create_budget(
            AccountId=aws.account,
            Budget=self._budget(inputs),
            NotificationsWithSubscribers=notices,
            ResourceTags=pairs(inputs.get("tagsAll", {})),
        )
        arn = f"arn:aws:budgets::{aws.account}:budget/{inputs['name']}"
        return f"{aws.account}:{inputs['name']}", {"arn": arn}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        account, name = id_.split(":")
        found = aws.api("budgets").describe_budget(AccountId=account, BudgetName=name)["Budget"]
        now = found["BudgetLimit"]["Amount"]
        return {"limitAmount": known["limitAmount"] if float(now) == float(known["limitAmount"]) else now}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        aws.api("budgets").update_budget(AccountId=aws.account, NewBudget=self._budget(inputs))
        retag(aws.api("budgets"), "ResourceARN", known["arn"], known, inputs)
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        account, name = id_.split(":")
        aws.api("budgets").delete_budget(AccountId=account, BudgetName=name)

    def _budget(self, inputs: Inputs) -> dict[str, Any]:
        limit = {"Amount": inputs["limitAmount"], "Unit": inputs["limitUnit"]}
        return {"BudgetName": inputs["name"], "BudgetLimit": limit, **inputs.pascal("budgetType", "timeUnit")}

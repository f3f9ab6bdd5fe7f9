"""A budget that somebody is told of before the bill comes."""

from collections.abc import Sequence

import pulumi_gcp as gcp
from pulumi import Output, ResourceOptions

from infra.config import StackConfig
from infra.gcp.place import Place


def budget(place: Place, config: StackConfig, channels: Sequence[Output[str]]) -> gcp.billing.Budget:
    """Tell somebody when the project has cost four fifths of the sum this month, and when it will cost it all.

    The sum is in the billing account's own currency: Google refuses any other. It is the whole project's, because not
    all that a stack costs carries its labels.
    """
    project = gcp.organizations.get_project_output(project_id=place.project)
    # What is asked of billing counts against a project, and a person's own credentials name none.
    provider = gcp.Provider(
        place.named("billing"), project=place.project, billing_project=place.project, user_project_override=True
    )
    notices = [("CURRENT_SPEND", 0.8), ("FORECASTED_SPEND", 1.0)]
    return gcp.billing.Budget(
        place.named("budget"),
        billing_account=config.billing_account,
        display_name=place.named("budget"),
        budget_filter=gcp.billing.BudgetBudgetFilterArgs(
            projects=[Output.concat("projects/", project.number)], calendar_period="MONTH"
        ),
        amount=gcp.billing.BudgetAmountArgs(
            specified_amount=gcp.billing.BudgetAmountSpecifiedAmountArgs(units=str(config.monthly_budget))
        ),
        threshold_rules=[
            gcp.billing.BudgetThresholdRuleArgs(threshold_percent=share, spend_basis=basis) for basis, share in notices
        ],
        all_updates_rule=gcp.billing.BudgetAllUpdatesRuleArgs(monitoring_notification_channels=list(channels)),
        opts=ResourceOptions(provider=provider),
    )

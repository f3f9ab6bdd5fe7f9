"""A budget that somebody is told of before the bill comes."""

import pulumi_aws as aws

from infra.aws.place import Place


def budget(place: Place, *, dollars: int, email: str) -> aws.budgets.Budget:
    """Tell somebody when the account has cost four fifths of the dollars this month, and when it will cost them all.

    It is the whole account's: by a tag AWS counts only after somebody has switched that on in the billing console, and
    a budget that counts nothing would never be heard.
    """
    notices = [("ACTUAL", 80), ("FORECASTED", 100)]
    return aws.budgets.Budget(
        place.named("budget"),
        name=place.named("budget"),
        budget_type="COST",
        time_unit="MONTHLY",
        limit_amount=str(dollars),
        limit_unit="USD",
        notifications=[
            aws.budgets.BudgetNotificationArgs(
                notification_type=kind,
                comparison_operator="GREATER_THAN",
                threshold=share,
                threshold_type="PERCENTAGE",
                subscriber_email_addresses=[email],
            )
            for kind, share in notices
        ],
    )

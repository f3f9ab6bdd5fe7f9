"""Who calls functions besides people: Cloud Scheduler and Pub/Sub, both as one account of the stack."""

from collections.abc import Mapping

import pulumi
import pulumi_gcp as gcp
from pulumi import Output, ResourceOptions

from infra.gcp.place import Place
from infra.gcp.roles import new_account

NAME = "callers"


class Callers(pulumi.ComponentResource):
    """The account of schedules and pushes. They prove who they are by a token that Google signs for one function.

    Attributes:
        account: what they run as.
        email: its address.
    """

    account: gcp.serviceaccount.Account
    email: Output[str]

    def __init__(self, place: Place, agent: Output[str]) -> None:
        super().__init__("loopwright:gcp:Callers", place.named(NAME))
        self._place = place
        self.account = new_account(place, NAME, "what schedules and messages call functions as", self)
        self.email = self.account.email
        # In a project that is older than April 2021 Pub/Sub may not do this by itself.
        gcp.serviceaccount.IAMMember(
            place.named(f"{NAME}-agent"),
            service_account_id=self.account.name,
            role="roles/iam.serviceAccountOpenIdTokenCreator",
            member=agent,
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({})

    def may_call(self, function: str, service: gcp.cloudrunv2.Service) -> gcp.cloudrunv2.ServiceIamMember:
        """Let schedules and messages call a function."""
        return gcp.cloudrunv2.ServiceIamMember(
            self._place.named(f"{function}-{NAME}"),
            project=self._place.project,
            location=self._place.region,
            name=service.name,
            role="roles/run.invoker",
            member=self.account.member,
            opts=ResourceOptions(parent=service),
        )


def audience(place: Place, function: str) -> str:
    """Return whom a token for a function is for: not its address, which is known only when it is there."""
    return place.named(function)


def checked_by(place: Place, function: str, *, front: bool) -> Mapping[str, str]:
    """Return the variables by which a function knows its callers' tokens.

    `front`: Cloud Run lets nobody else in; it has then verified a token's signature, and hands it on without one.
    """
    told = {"LOOPWRIGHT_CALLERS_FRONT": "cloud-run"} if front else {}
    return {
        **told,
        "LOOPWRIGHT_CALLERS_AUDIENCE": audience(place, function),
        "LOOPWRIGHT_CALLERS_EMAILS": place.email(NAME),
    }

"""One account a function: what the specification permits, as roles on the stack's own things, and nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

import pulumi_gcp as gcp
from pulumi import Input, Output, Resource, ResourceOptions

from infra.gcp.messaging import Messaging, let_in
from infra.gcp.place import Place
from infra.gcp.storage import Storage
from infra.spec import Consume, Mirror, Permission, Publish, Read, Send, Sign, StartJobs, Store, Write

PREFIXES: Final[Mapping[Store, str]] = {"blobs": "blobs/", "lake": "lake/", "table": "overflow/"}
"""Where a store has its objects; what is too large for an item of the database is an object too."""


@dataclass(frozen=True, slots=True)
class Account:
    """A service account, and the grants that have to be there before it does anything."""

    resource: gcp.serviceaccount.Account
    grants: Sequence[Resource] = ()


def new_account(place: Place, name: str, what: str, parent: Resource) -> gcp.serviceaccount.Account:
    """Make a service account that may do nothing yet. `what` says what it is for."""
    return gcp.serviceaccount.Account(
        place.named(name),
        project=place.project,
        account_id=place.account(name),
        display_name=place.named(name),
        description=what,
        opts=ResourceOptions(parent=parent),
    )


@dataclass(frozen=True, slots=True)
class Ground:
    """What permissions are about."""

    place: Place
    storage: Storage
    messaging: Messaging

    def account(self, name: str, permissions: Sequence[Permission], parent: Resource) -> Account:
        """Make the account of a function; who starts jobs is told about by the jobs (jobs.py)."""
        made = new_account(self.place, name, f"what {self.place.named(name)} runs as", parent)
        return Account(made, list(self._grants(name, permissions, made)))

    def _grants(
        self, name: str, permissions: Sequence[Permission], account: gcp.serviceaccount.Account
    ) -> Iterator[Resource]:
        for store, writes in _stores(permissions).items():
            yield self.objects(f"{name}-{store}", PREFIXES[store], account, writes=writes)
            if store == "table":
                yield self._items(name, account, writes=writes)
        for permission in permissions:
            yield from self._grant(name, permission, account)

    def _grant(self, name: str, permission: Permission, account: gcp.serviceaccount.Account) -> Iterator[Resource]:
        match permission:
            case Send(queue):
                yield self._sender(f"{name}-{queue}", self.messaging.topics[queue], account)
            case Publish():
                yield self._sender(f"{name}-events", self.messaging.events, account)
            case Consume(queue):
                # What is pushed is not taken.
                if queue in self.messaging.subscriptions:
                    yield self._subscriber(f"{name}-{queue}", self.messaging.subscriptions[queue], account)
            case Mirror():
                yield self._shower(name, account)
            case Sign():
                yield signs_itself(self.place.named(f"{name}-signs"), account)
            case Read() | Write() | StartJobs():
                pass  # stores are told of by `_grants`; who starts jobs is told about by the jobs
            case _:
                assert_never(permission)

    def objects(
        self, name: str, prefix: str, account: gcp.serviceaccount.Account, *, writes: bool
    ) -> gcp.storage.BucketIAMMember:
        """Let an account read, and with `writes` write and delete, the objects under a prefix."""
        return gcp.storage.BucketIAMMember(
            self.place.named(name),
            bucket=self.storage.bucket.name,
            role="roles/storage.objectUser" if writes else "roles/storage.objectViewer",
            member=account.member,
            condition=gcp.storage.BucketIAMMemberConditionArgs(
                title=f"under {prefix}",
                expression=self.storage.bucket.name.apply(lambda bucket: _under(bucket, prefix)),
            ),
            opts=ResourceOptions(parent=account),
        )

    def _items(self, name: str, account: gcp.serviceaccount.Account, *, writes: bool) -> gcp.projects.IAMMember:
        database = self.storage.database.name
        return gcp.projects.IAMMember(
            self.place.named(f"{name}-items"),
            project=self.place.project,
            role="roles/datastore.user" if writes else "roles/datastore.viewer",
            member=account.member,
            condition=gcp.projects.IAMMemberConditionArgs(
                title=self.place.named("table"),
                expression=Output.concat(
                    'resource.name == "projects/', self.place.project, "/databases/", database, '"'
                ),
            ),
            opts=ResourceOptions(parent=account),
        )

    def _shower(self, name: str, account: gcp.serviceaccount.Account) -> gcp.projects.IAMMember:
        return gcp.projects.IAMMember(
            self.place.named(f"{name}-vertex"),
            project=self.place.project,
            role="roles/aiplatform.user",
            member=account.member,
            opts=ResourceOptions(parent=account),
        )

    def _sender(self, name: str, topic: gcp.pubsub.Topic, account: gcp.serviceaccount.Account) -> Resource:
        return let_in(self.place, self.place.named(f"{name}-sender"), topic, account.member)

    def _subscriber(
        self, name: str, subscription: gcp.pubsub.Subscription, account: gcp.serviceaccount.Account
    ) -> gcp.pubsub.SubscriptionIAMMember:
        return gcp.pubsub.SubscriptionIAMMember(
            self.place.named(f"{name}-taker"),
            project=self.place.project,
            subscription=subscription.name,
            role="roles/pubsub.subscriber",
            member=account.member,
            opts=ResourceOptions(parent=account),
        )


def acts_as(
    name: str, account: gcp.serviceaccount.Account, member: Input[str], parent: Resource
) -> gcp.serviceaccount.IAMMember:
    """Let somebody have things run as an account."""
    return gcp.serviceaccount.IAMMember(
        name,
        service_account_id=account.name,
        role="roles/iam.serviceAccountUser",
        member=member,
        opts=ResourceOptions(parent=parent),
    )


def signs_itself(name: str, account: gcp.serviceaccount.Account) -> gcp.serviceaccount.IAMMember:
    """Let an account have Google sign as itself: it has no key with which it could."""
    return gcp.serviceaccount.IAMMember(
        name,
        service_account_id=account.name,
        role="roles/iam.serviceAccountTokenCreator",
        member=account.member,
        opts=ResourceOptions(parent=account),
    )


def _stores(permissions: Sequence[Permission]) -> Mapping[Store, bool]:
    """Return the stores that are permitted, and whether they may be written: Google's role for that can read too."""
    found: dict[Store, bool] = {one.store: False for one in permissions if isinstance(one, Read)}
    written: dict[Store, bool] = {one.store: True for one in permissions if isinstance(one, Write)}
    return found | written


def _under(bucket: str, prefix: str) -> str:
    """Return the condition of what is under a prefix.

    Who may not list is told 403 instead of 404 of an object that is not there. That is asked of the bucket, and names
    no prefix.
    """
    listed = f'api.getAttribute("storage.googleapis.com/objectListPrefix", "{prefix}").startsWith("{prefix}")'
    return (
        f'resource.name.startsWith("projects/_/buckets/{bucket}/objects/{prefix}") || '
        f'(resource.type == "storage.googleapis.com/Bucket" && {listed})'
    )

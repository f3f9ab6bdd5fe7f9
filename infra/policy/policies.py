"""The rules of the pack, all of them mandatory."""

from collections.abc import Callable, Iterator
from typing import Final

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from infra.policy import google_access, google_keeping
from infra.policy.access import guarded, least_privilege, not_public, own_role, tls_only
from infra.policy.keeping import dead_letters, encrypted, log_retention, own_log, tagged
from infra.policy.reading import Finding
from infra.policy.recovery import protected, recoverable
from infra.policy.routes import checked


def _each(name: str, promise: str, *rules: Callable[[ResourceValidationArgs], Iterator[str]]) -> Policy:
    """Return a rule about single resources: one for each provider that has to be told."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for rule in rules:
            for message in rule(args):
                report(message, args.urn)

    return ResourceValidationPolicy(name, promise, validate, EnforcementLevel.MANDATORY)


def _all(name: str, promise: str, *rules: Callable[[StackValidationArgs], Iterator[Finding]]) -> Policy:
    """Return a rule about how the resources of a stack belong together."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        for rule in rules:
            for finding in rule(args):
                report(finding.message, finding.urn)

    return StackValidationPolicy(name, promise, validate, EnforcementLevel.MANDATORY)


POLICIES: Final[list[Policy]] = [
    _each("encrypted", "What is stored is encrypted.", encrypted),
    _each("not-public", "Nobody comes in without saying who it is.", not_public, google_access.not_public),
    _all("checked", "Every route of an API checks who calls, or its function does.", checked),
    _each("signed-calls", "Schedules and messages say who they are.", google_access.signed_calls),
    _all("guarded", "Every bucket says itself that it is encrypted and not public.", guarded),
    _all("tls-only", "Buckets, queues and topics answer over TLS only.", tls_only),
    _each(
        "least-privilege",
        "There are no wildcards in what is allowed, and no roles that are as wide.",
        least_privilege,
        google_access.least_privilege,
    ),
    _all("own-role", "Every function has a role of its own.", own_role, google_access.own_account),
    _all("dead-letters", "What cannot be delivered is kept.", dead_letters, google_keeping.dead_letters),
    _each("log-retention", "No log is kept for ever.", log_retention, google_keeping.log_retention),
    _all("own-log", "Every function writes into a log of the stack.", own_log, google_keeping.own_log),
    _all("recoverable", "Former states of what is stored are kept.", recoverable),
    _all("protected", "What Pulumi protects its provider protects too.", protected),
    _each("tagged", "Everything says to which stack it belongs.", tagged, google_keeping.labelled),
]

"""The pack's rules applied to a stack, as Pulumi's engine applies them."""

from collections.abc import Iterable
from copy import deepcopy

from pulumi_policy import (
    Policy,
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from infra.policy.policies import POLICIES
from tests.infra.stacks import Made


def options(*, protect: bool = False) -> PolicyResourceOptions:
    return PolicyResourceOptions(protect, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])


def resources_of(made: Made) -> list[PolicyResource]:
    """Return the stack's resources, tied together by what they depend on; the inputs are copies."""
    inputs = {(one.typ, one.name): one.inputs for one in made.resources}
    registered = [one for one in made.registrations if one.type.startswith(("aws:", "gcp:"))]
    found = {
        one.urn: PolicyResource(
            one.type,
            deepcopy(inputs[one.type, one.name]),
            one.urn,
            one.name,
            options(protect=one.protect),
            None,
            None,
            [],
            {},
        )
        for one in registered
    }
    for one in registered:
        for key, urns in one.made_of.items():
            found[one.urn].property_dependencies[key] = [found[urn] for urn in urns if urn in found]
    return list(found.values())


def broken_by(resources: Iterable[PolicyResource]) -> dict[str, list[str]]:
    """Return what each rule that is broken says."""
    listed = list(resources)
    said: dict[str, list[str]] = {}
    for policy in POLICIES:
        for message in _messages(policy, listed):
            said.setdefault(policy.name, []).append(message)
    return said


def _messages(policy: Policy, resources: list[PolicyResource]) -> list[str]:
    messages: list[str] = []

    def report(message: str, urn: str | None = None) -> None:
        assert urn in {one.urn for one in resources}
        messages.append(f"{urn}: {message}")

    match policy:
        case ResourceValidationPolicy():
            for one in resources:
                policy.validate(
                    ResourceValidationArgs(one.resource_type, one.props, one.urn, one.name, one.opts, None), report
                )
        case StackValidationPolicy():
            policy.validate(StackValidationArgs(resources), report)
        case _:
            raise AssertionError(policy)
    return messages

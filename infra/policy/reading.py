"""Properties of resources as rules see them: some are not known before a deployment, and are not judged before."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pulumi_policy import PolicyResource
from pulumi_policy.proxy import UnknownValueError

Properties = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and with which resource."""

    message: str
    urn: str


class _Unknown:
    """Stands for a value that only the deployment will tell."""


UNKNOWN: Final = _Unknown()


def read(properties: Properties, *path: str) -> Any:  # noqa: ANN401 - a property may be anything
    """Return what is under the path: None where there is nothing, `UNKNOWN` where it is not known yet."""
    found: Any = properties
    for key in path:
        if not isinstance(found, Mapping):
            return None
        try:
            found = found.get(key)
        except UnknownValueError:
            return UNKNOWN
    return found


def statements(properties: Properties) -> Iterator[Mapping[str, Any]]:
    """Yield the statements of the resource's policy, if it has one and it is known."""
    for key in ("policy", "assumeRolePolicy"):
        text = read(properties, key)
        if isinstance(text, str) and text.startswith("{"):
            found = json.loads(text).get("Statement", [])
            yield from found if isinstance(found, list) else [found]


def listed(value: object) -> Sequence[Any]:
    """Return one or many as many: policies may leave the brackets out."""
    if value is None:
        return ()
    return value if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def of_type(resources: Iterable[PolicyResource], *types: str) -> list[PolicyResource]:
    """Return the resources of some types; those of AWS are given without `aws:`."""
    return [one for one in resources if one.resource_type.removeprefix("aws:") in types]


def named_by(resources: Iterable[PolicyResource], key: str) -> set[str]:
    """Return the URNs of all resources that a property of these is made of."""
    return {one.urn for resource in resources for one in resource.property_dependencies.get(key, [])}

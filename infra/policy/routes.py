"""Who comes in through an HTTP API: those whom its routes let in, or whom the function behind a route checks itself."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import PolicyResource, StackValidationArgs

from infra.policy.reading import UNKNOWN, Finding, of_type, read

_VARIABLES: Final = ("environment", "variables")
_FUNCTION: Final = "lambda/function:Function"


def checked(args: StackValidationArgs) -> Iterator[Finding]:
    """Refuse a route that checks nobody and leads to a function that does not either."""
    routes = of_type(args.resources, "apigatewayv2/route:Route")
    unchecked = [one for one in routes if read(one.props, "authorizationType") in {None, "NONE"}]
    for function in {one.urn: one for route in unchecked for one in _behind(route)}.values():
        if not _checks(function):
            yield Finding(f"a route that checks nobody leads to {function.name}, which does not either", function.urn)


def _behind(resource: PolicyResource) -> Iterator[PolicyResource]:
    """Yield the functions that a route leads to, by its integration and perhaps an alias."""
    if resource.resource_type == f"aws:{_FUNCTION}":
        yield resource
        return
    for key in ("target", "integrationUri", "functionName"):
        for one in resource.property_dependencies.get(key, []):
            yield from _behind(one)


def _checks(function: PolicyResource) -> bool:
    """Return whether a function asks its callers for a key; what is not known before a deployment is judged by it."""
    variables = read(function.props, *_VARIABLES)
    if variables is UNKNOWN:
        return True
    told = read(function.props, *_VARIABLES, "LOOPWRIGHT_AUTH")
    return told in {UNKNOWN, "apikey"} and bool(read(function.props, *_VARIABLES, "LOOPWRIGHT_API_KEYS"))

"""Where people call the functions over HTTP; who may is said in access.py."""

from collections.abc import Mapping, Sequence

from pulumi import Output

from infra.gcp.access import ApiKey
from infra.gcp.services import Service


def endpoints(services: Sequence[Service], key: ApiKey | None) -> Mapping[str, Output[str]]:
    """Return the URL of each function, as `<function>Url`, and where there is one the secret `apiKey`.

    Cloud Run asks for a token of Google's for somebody with the role `run.invoker`, unless the configuration names
    another way: then the function asks for that.
    """
    urls = {f"{one.spec.name}Url": Output.concat(one.url, "/") for one in services}
    return {**urls, "apiKey": key.value} if key else urls

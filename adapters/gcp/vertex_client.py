"""Google's own library for Vertex AI, imported where it is used and nowhere else: that takes seconds."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from adapters.gcp.place import GcpPlace
from loopwright.errors import CapabilityError, DeniedError, UnavailableError

_MISSING: Final = (
    "Vertex AI is spoken to through Google's library: install google-cloud-aiplatform (the extra `vertex`)"
)


@contextmanager
def opened(place: GcpPlace, doing: str) -> Iterator[Any]:
    """Yield `google.cloud.aiplatform`, which knows where the place is; what it raises is translated.

    Raises:
        CapabilityError: it is not installed.
        DeniedError: Google refuses, or there are no credentials.
        UnavailableError: it does not answer, or with an error.
    """
    library = _library()
    from google.api_core.exceptions import Forbidden, GoogleAPICallError, RetryError, Unauthenticated
    from google.auth.exceptions import GoogleAuthError
    from requests.exceptions import RequestException  # noqa: PLC0415

    try:
        library.init(project=place.project, location=place.region, **_elsewhere(place))
        yield library
    except (Forbidden, Unauthenticated, GoogleAuthError) as error:
        raise DeniedError(f"could not {doing}: Google refuses it: {error}") from error
    except (GoogleAPICallError, RetryError, RequestException, RuntimeError) as error:
        raise UnavailableError(f"could not {doing}: {error}") from error


def _library() -> Any:  # noqa: ANN401 - Google's library is not typed
    try:
        with warnings.catch_warnings():
            # It tells each part of itself which Python it will not run on one day.
            warnings.simplefilter("ignore", FutureWarning)
            from google.cloud import aiplatform
    except ImportError as error:  # of another library of Google's there may be the namespace, and nothing in it
        raise CapabilityError(_MISSING) from error
    return aiplatform


def _elsewhere(place: GcpPlace) -> dict[str, Any]:
    """Return how a Google on this machine is reached: by HTTP alone, without credentials."""
    if not place.endpoint:
        return {}
    from google.auth.credentials import AnonymousCredentials

    return {
        "api_endpoint": place.endpoint,
        "api_transport": "rest",
        "credentials": AnonymousCredentials(),  # type: ignore[no-untyped-call]
    }

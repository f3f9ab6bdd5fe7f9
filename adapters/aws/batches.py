"""Calls of SQS, whose batches succeed in part: what failed is sent again, what can never succeed is told apart."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from adapters.aws.api import Api
from adapters.aws.replies import ServiceError
from loopwright.errors import UnavailableError

_ATTEMPTS: Final = 8
_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 3.0
_BAD_REQUEST: Final = 400
_LEGACY: Final = "AWS.SimpleQueueService."
_STALE: Final = frozenset({"InvalidParameterValue", "MessageNotInflight", "ReceiptHandleIsInvalid"})
_MISSING: Final = frozenset({"NonExistentQueue", "QueueDoesNotExist"})


class Batches:
    """Calls of SQS."""

    def __init__(self, api: Api, sleep: Callable[[float], None] = time.sleep) -> None:
        self._api = api
        self._sleep = sleep

    def call(self, operation: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Call an operation; see `Api.call`."""
        return self._api.call(f"AmazonSQS.{operation}", body)

    def send(self, url: str, entries: Sequence[Mapping[str, object]]) -> None:
        """Send up to ten messages, all of them.

        Raises:
            ServiceError: SQS refuses one.
            UnavailableError: some could not be sent.
        """
        for refusal in self._left("SendMessageBatch", url, entries):
            raise refusal

    def finish(self, operation: str, url: str, entries: Sequence[Mapping[str, object]]) -> None:
        """Do something with up to ten messages in hand; those that are no longer in it are left alone.

        Raises:
            ServiceError: SQS refuses one for another reason.
            UnavailableError: some could not be dealt with.
        """
        for refusal in self._left(operation, url, entries):
            if refusal.code not in _STALE:
                raise refusal

    def _left(self, operation: str, url: str, entries: Sequence[Mapping[str, object]]) -> list[ServiceError]:
        """Call until each entry has succeeded or is refused for good; return the refusals."""
        left = {str(number): entry for number, entry in enumerate(entries)}
        refusals: list[ServiceError] = []
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._sleep(random.uniform(0, min(_PAUSE * 2**attempt, _LONGEST_PAUSE)))  # noqa: S311 - it only spreads
            answer = self.call(operation, {"QueueUrl": url, "Entries": [{"Id": one, **left[one]} for one in left]})
            failed = answer.get("Failed") or []
            refusals += [_refusal(one, repeated=attempt > 0) for one in failed if one.get("SenderFault")]
            left = {one["Id"]: left[one["Id"]] for one in failed if not one.get("SenderFault")}
            if not left:
                return refusals
        raise UnavailableError(f"SQS did not do {len(left)} of {len(entries)} in {operation}: try again")


def missing(error: ServiceError) -> bool:
    """Return whether there is no such queue."""
    return error.code.removeprefix(_LEGACY) in _MISSING


def _refusal(failed: Mapping[str, Any], *, repeated: bool) -> ServiceError:
    code, message = str(failed.get("Code", "")), str(failed.get("Message", ""))
    return ServiceError(code.removeprefix(_LEGACY), message, _BAD_REQUEST, b"", repeated=repeated)

"""A batch of SQS records into the lake."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from functions.problems import log_failure
from functions.sqs import BatchResponse, Record, SqsEvent, body_of, failures
from loopwright.definitions import Project
from loopwright.errors import ConflictError, InvalidInputError, UnavailableError
from loopwright.ports import Platform
from loopwright.ports.queues import Message
from loopwright.serving.collecting import QUEUES, land

_PARTS: Final = re.compile(r"[-_.:]")


def collect_records(platform: Platform, project: Project, event: SqsEvent) -> BatchResponse:
    """Land the records, and return those that did not land: SQS delivers these again, and no others.

    Raises:
        InvalidInputError: the records come from a queue that is none of ours.
    """
    failed: list[str] = []
    for queue, records in _by_queue(event["Records"]).items():
        messages = []
        for record in records:
            try:
                messages.append(Message(record["messageId"], record["receiptHandle"], body_of(record), 1, 0.0))
            except InvalidInputError:
                failed.append(record["messageId"])
        failed += _land(platform, project, queue, messages)
    return failures(failed)


def _land(platform: Platform, project: Project, queue: str, messages: Sequence[Message]) -> Iterable[str]:
    try:
        return [message.id for message in land(platform, project, queue, messages).failed]
    except (UnavailableError, ConflictError) as error:
        log_failure(f"collect {len(messages)} messages of {queue}", error)
        return [message.id for message in messages]


def _by_queue(records: Sequence[Record]) -> Mapping[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(_queue(record["eventSourceARN"]), []).append(record)
    return found


def _queue(arn: str) -> str:
    """Return which of our queues it is: its name is a part of the ARN's last segment, `shop-prod-predictions-3f2a`."""
    name = arn.rpartition(":")[2]
    parts = set(_PARTS.split(name))
    for queue in QUEUES:
        if queue in parts:
            return queue
    raise InvalidInputError(f"{name} is no queue to collect from: name one of {', '.join(QUEUES)}")

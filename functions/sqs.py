"""Batches of SQS records as AWS Lambda hands them over, answered by the records that have to come back."""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NotRequired, TypedDict

from functions.batches import Consumer
from functions.problems import log_failure
from loopwright.errors import InvalidInputError
from loopwright.ports.queues import Message

_BODY: Final = "body"
"""The attribute that carries a message whose bytes are no text."""


class Attribute(TypedDict):
    """An attribute of a message; a binary one has its bytes as base64."""

    dataType: str
    binaryValue: NotRequired[str]
    stringValue: NotRequired[str]


class Record(TypedDict):
    """The parts of an SQS record that are read."""

    messageId: str
    receiptHandle: str
    body: str
    eventSource: str
    eventSourceARN: str
    messageAttributes: Mapping[str, Attribute]


class SqsEvent(TypedDict):
    """What Lambda calls a function with."""

    Records: Sequence[Record]


class Failure(TypedDict):
    """A record that has to come back."""

    itemIdentifier: str


class BatchResponse(TypedDict):
    """What Lambda wants to hear (`ReportBatchItemFailures`)."""

    batchItemFailures: list[Failure]


def take_records(consumer: Consumer, event: SqsEvent) -> BatchResponse:
    """Let the consumer take the records, and return those that have to come back: SQS delivers no others again.

    Raises:
        InvalidInputError: records come from a queue that the consumer does not take; nothing was taken.
    """
    batches: dict[str, list[Record]] = {}
    for record in event["Records"]:
        batches.setdefault(consumer.queue_of(record["eventSourceARN"].rpartition(":")[2]), []).append(record)
    failed: list[str] = []
    for queue, records in batches.items():
        messages = list(_messages(records, failed))
        failed += consumer.take(queue, messages)
    return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}


def body_of(record: Record) -> bytes:
    """Return a message's bytes: those of its binary attribute `body` where it has one, else its text.

    Raises:
        InvalidInputError: the attribute is not base64.
    """
    attribute = record["messageAttributes"].get(_BODY)
    if attribute is None:
        return record["body"].encode()
    try:
        return base64.b64decode(attribute.get("binaryValue", ""), validate=True)
    except binascii.Error as error:
        raise InvalidInputError(f"message {record['messageId']}: its attribute {_BODY!r} is not base64") from error


def _messages(records: Iterable[Record], failed: list[str]) -> Iterable[Message]:
    for record in records:
        try:
            yield Message(record["messageId"], record["receiptHandle"], body_of(record), 1, 0.0)
        except InvalidInputError as error:
            log_failure("read a batch", error)
            failed.append(record["messageId"])

"""moto's server, what it does otherwise than AWS put right where a test would notice: `moto_server.py HOST PORT`."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from moto.core.config import default_user_config
from moto.dynamodb.models import DynamoDBBackend
from moto.events.models import Rule
from moto.s3.exceptions import NoSuchUpload
from moto.s3.models import S3Backend
from moto.server import main
from moto.sqs import sqs_backends


def let_rules_choose_what_they_send() -> None:
    """Let a rule send the detail of an event where its target says so; moto sends whole events to queues."""
    whole = Rule._send_to_sqs_queue

    def send(rule: Rule, queue: str, event: dict[str, Any], group: str | None = None) -> None:
        paths = {target.get("InputPath") for target in rule.targets if target["Arn"].endswith(f":{queue}")}
        if paths == {"$.detail"}:
            backend = sqs_backends[rule.account_id][rule.region_name]
            backend.send_message(queue_name=queue, message_body=json.dumps(event["detail"]), group_id=group)
        else:
            whole(rule, queue, event, group)

    Rule._send_to_sqs_queue = send


def write_items_one_at_a_time() -> None:
    """Let a write expect and write in one; moto looks first, writes later, and lets two of a race win."""
    turn = threading.RLock()

    def in_turn(write: Callable[..., object]) -> Callable[..., object]:
        @wraps(write)
        def wait(*arguments: object, **options: object) -> object:
            with turn:
                return write(*arguments, **options)

        return wait

    for name in ("put_item", "update_item", "delete_item", "transact_write_items"):
        setattr(DynamoDBBackend, name, in_turn(getattr(DynamoDBBackend, name)))


def know_no_upload_that_is_gone() -> None:
    """Let the end of an upload that was aborted be refused as S3 does; moto stumbles over it."""
    whole = S3Backend.complete_multipart_upload

    def complete(backend: S3Backend, bucket: str, upload: str, body: Iterator[tuple[int, str]]) -> object:
        if upload not in backend.get_bucket(bucket).multiparts:
            raise NoSuchUpload(upload_id=upload)
        return whole(backend, bucket, upload, body)

    S3Backend.complete_multipart_upload = complete  # type: ignore[method-assign, assignment]


def call_functions_without_docker() -> None:
    """Let functions be called and answer, though they run nothing."""
    default_user_config["lambda"]["use_docker"] = False


if __name__ == "__main__":
    let_rules_choose_what_they_send()
    write_items_one_at_a_time()
    know_no_upload_that_is_gone()
    call_functions_without_docker()
    host, port = sys.argv[1:]
    main(["-H", host, "-p", port])

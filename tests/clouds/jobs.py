"""Lambda and SageMaker as far as jobs need them: they take jobs over HTTP, and what becomes of these a test decides."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

INVOKE = re.compile(r"/2015-03-31/functions/([A-Za-z0-9_-]+)/invocations")
NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


class Refused(Exception):  # noqa: N818
    """What a service answers instead."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


class JobServices:
    """What was asked for, and what is answered.

    Attributes:
        invoked: by function, the payloads of its asynchronous invocations.
        trainings: by name, the training jobs as `DescribeTrainingJob` tells them.
        refusals: answers for the next calls, instead of what they want.
        functions: those that there are.
    """

    def __init__(self) -> None:
        self.endpoint = ""
        self.functions = {"airport-jobs"}
        self.invoked: dict[str, list[dict]] = {}
        self.trainings: dict[str, dict] = {}
        self.refusals: list[Refused] = []

    def answer(self, path: str, headers: dict[str, str], body: dict) -> tuple[int, dict]:
        if self.refusals:
            raise self.refusals.pop(0)
        if found := INVOKE.fullmatch(path):
            return self._invoke(found[1], headers, body)
        match headers["x-amz-target"]:
            case "SageMaker.CreateTrainingJob":
                return self._create(body)
            case "SageMaker.DescribeTrainingJob":
                return self._describe(body["TrainingJobName"])
            case target:
                raise Refused(400, "UnknownOperationException", target)

    def _invoke(self, function: str, headers: dict[str, str], body: dict) -> tuple[int, dict]:
        assert headers["x-amz-invocation-type"] == "Event"
        if function not in self.functions:
            raise Refused(404, "ResourceNotFoundException", f"Function not found: {function}")
        self.invoked.setdefault(function, []).append(body)
        return 202, {}

    def _create(self, body: dict) -> tuple[int, dict]:
        name = body["TrainingJobName"]
        assert NAME.fullmatch(name), name
        assert 1 <= body["StoppingCondition"]["MaxRuntimeInSeconds"] <= 28 * 86_400
        assert all(len(value) <= 512 for value in body["Environment"].values())
        assert all(len(one) <= 256 for one in body["AlgorithmSpecification"]["ContainerArguments"])
        if name in self.trainings:
            raise Refused(400, "ResourceInUse", f"Job name must be unique: {name}")
        self.trainings[name] = {**body, "TrainingJobStatus": "InProgress"}
        return 200, {"TrainingJobArn": f"arn:aws:sagemaker:eu-central-1:123456789012:training-job/{name}"}

    def _describe(self, name: str) -> tuple[int, dict]:
        if name not in self.trainings:
            raise Refused(400, "ValidationException", "Requested resource not found.")
        return 200, self.trainings[name]


@contextmanager
def job_services() -> Iterator[JobServices]:
    """Serve on this machine."""
    services = JobServices()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=")
            try:
                status, answer = services.answer(self.path, headers, json.loads(content or b"{}"))
            except Refused as refused:
                status, answer = refused.status, {"__type": refused.code, "message": refused.message}
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    services.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield services
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

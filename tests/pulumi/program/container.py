"""A function in a container that is as small as one can be: it answers every question with its environment."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        said = json.dumps(dict(os.environ)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


ThreadingHTTPServer((os.environ["LOOPWRIGHT_HOST"], int(os.environ["PORT"])), Handler).serve_forever()

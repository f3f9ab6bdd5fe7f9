"""A revision of a service of Cloud Run: the container's own command as a process of this machine.

Source: "Container runtime contract", Cloud Run: `PORT`, `K_SERVICE`, `K_REVISION`, `K_CONFIGURATION`; SIGTERM, and
SIGKILL ten seconds later. A real one has as many instances as its requests take; this one has one.
"""

import http.client
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.clouds.google import images
from tests.clouds.google.executions import seconds
from tests.clouds.google.gate import Backend
from tests.clouds.google.here import here
from tests.clouds.google.world import free_port

GRACE: Final = 10.0
_PAUSE: Final = 0.05
_AT_ONCE: Final = 80
_TIMEOUT: Final = "300s"
_OK: Final = 200
_PROBE: Final[Mapping[str, int]] = {"periodSeconds": 10, "timeoutSeconds": 1, "failureThreshold": 3}


class NotReadyError(Exception):
    """A revision does not come up, or there is no image of it; the message is Cloud Run's."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a container is told of itself, besides what the stack says."""

    service: str
    revision: str
    machine: str
    secret: images.Secrets


class Revision:
    """A running one."""

    def __init__(self, template: Mapping[str, Any], told: Told, folder: Path) -> None:
        """Start it and wait until its probe is answered.

        Raises:
            NotReadyError: it is not, in the time that the probe gives it.
        """
        (container,) = template["containers"]
        self.name = told.revision
        self.log = folder / f"{self.name}.log"
        self.port = free_port()
        own = {
            "PORT": str(self.port),
            "K_SERVICE": told.service,
            "K_REVISION": told.revision,
            "K_CONFIGURATION": told.service,
            "GCE_METADATA_HOST": told.machine,
            "LOOPWRIGHT_GCP_ENDPOINT": f"http://{told.machine}",
        }
        try:
            image = images.find(folder.parent, container["image"])
            variables = {**image.variables(container, told.secret), **own}
            if "LOOPWRIGHT_CALLERS_AUDIENCE" in variables:
                variables["LOOPWRIGHT_CALLERS_CERTS"] = f"{here(folder.parent).endpoint}/oauth2/v3/certs"
        except (LookupError, PermissionError, ValueError) as error:
            raise NotReadyError(f"Revision '{self.name}' is not ready and cannot serve traffic. {error}") from error
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                image.words(container),
                cwd=image.folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        at_once = template.get("maxInstanceRequestConcurrency", _AT_ONCE)
        timeout = seconds(template.get("timeout", _TIMEOUT))
        self.backend = Backend(self.port, threading.BoundedSemaphore(at_once), timeout)
        self._wait(container.get("startupProbe", {}))

    def stop(self) -> None:
        """End it: requests in flight are finished in the time that Cloud Run gives."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait(self, probe: Mapping[str, Any]) -> None:
        how = {**_PROBE, **probe}
        limit = time.monotonic() + how["periodSeconds"] * how["failureThreshold"]
        while time.monotonic() < limit and self._process.poll() is None:
            if self._answers(how):
                return
            time.sleep(_PAUSE)
        ended = self._process.poll()
        self._process.kill()
        self._process.wait()
        said = self.log.read_text(errors="replace")[-2000:]
        raise NotReadyError(
            f"Revision '{self.name}' is not ready and cannot serve traffic. The user-provided container failed to "
            f"start and listen on the port (exit code {ended}). Its log: {said}"
        )

    def _answers(self, probe: Mapping[str, Any]) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=float(probe["timeoutSeconds"]))
        with suppress(OSError, http.client.HTTPException):
            if "httpGet" not in probe:
                connection.connect()
                return True
            connection.request("GET", probe["httpGet"].get("path", "/"))
            return connection.getresponse().status == _OK
        connection.close()
        return False

"""The two sides of a comparison: how each is called in a process of its own.

Both find their modules compiled, as in a function's package, whatever the environment of the benchmark says about
bytecode: the first run of each writes it into the prepared home.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.environments import python_with
from benchmarks.serving.world import FOUND, SENT, Prepared, event

ROOT = Path(__file__).parents[2]
CALLS = ROOT / "benchmarks" / "peers" / "calls.py"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
AWS = {"AWS_DEFAULT_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
FASTAPI = ("boto3", "fastapi", "mangum", "numpy", "onnxruntime")


@dataclass(frozen=True)
class Side:
    """A Python, the module whose handler it calls, the event, and the environment."""

    python: Path
    module: str
    event: Path
    environment: Mapping[str, str]

    def command(self, count: str) -> list[str]:
        return [str(self.python), str(CALLS), self.module, str(self.event), count]

    def run(self, count: str) -> str:
        """Call the handler and return what was printed."""
        environment = os.environ | ONE_THREAD | self.environment
        done = subprocess.run(self.command(count), env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout


def ours(prepared: Prepared) -> Side:
    file = prepared.settings.home / "ours.json"
    file.write_text(json.dumps(event(SENT)))
    environment = {"PYTHONPATH": str(ROOT), **prepared.settings.to_env()}
    return Side(Path(sys.executable), "functions.predict.main", file, environment | _compiled(prepared))


def fastapi(prepared: Prepared, *, aws: bool) -> Side:
    file = prepared.settings.home / "peer.json"
    file.write_text(json.dumps(event({**SENT, **FOUND})))
    environment = {"PYTHONPATH": str(ROOT / "benchmarks" / "peers"), "PEER_MODEL": str(prepared.model), **AWS}
    environment |= {"PEER_AWS": "1"} if aws else {}
    return Side(python_with(*FASTAPI), "fastapi_plain", file, environment | _compiled(prepared))


def _compiled(prepared: Prepared) -> Mapping[str, str]:
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(prepared.settings.home / "bytecode")}

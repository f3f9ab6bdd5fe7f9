"""A language host for a `pulumi` that was built without one: runs programs and policy packs with this interpreter.

The CLI starts it with the engine's address and reads the port from the first line that it prints. What runs a program
is the SDK's own executor.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import IO, Any, Final

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2 as pb
from pulumi.runtime.proto import language_pb2_grpc, plugin_pb2

_TOLD_ALREADY: Final = 32
"""With this the executor ends when the program has told its user itself what is wrong."""


class Host(language_pb2_grpc.LanguageRuntimeServicer):
    """The part of the protocol that running programs takes."""

    def __init__(self, engine: str, executor: Path) -> None:
        self._engine = engine
        self._executor = executor

    def Handshake(self, request: Any, context: Any) -> Any:
        return pb.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version="3.0.0")

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:
        return pb.GetRequiredPackagesResponse()

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:
        return pb.GetProgramDependenciesResponse()

    def InstallDependencies(self, request: Any, context: Any) -> Any:
        return iter(())

    def About(self, request: Any, context: Any) -> Any:
        return pb.AboutResponse(executable=sys.executable, version=sys.version.split()[0])

    def RuntimeOptionsPrompts(self, request: Any, context: Any) -> Any:
        return pb.RuntimeOptionsResponse()

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def Run(self, request: Any, context: Any) -> Any:
        """Run a program to its end."""
        options = {
            "monitor": request.monitor_address,
            "engine": self._engine,
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization,
            "pwd": request.pwd,
            "dry_run": str(request.dryRun).lower(),
            "parallel": str(request.parallel),
            "root_directory": request.info.root_directory,
        }
        flags = [word for name, value in options.items() for word in (f"--{name}", value)]
        config = {
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        command = [sys.executable, "-u", str(self._executor), *flags, _program(request.info), *request.args]
        code = subprocess.run(command, env=os.environ | config, cwd=request.pwd, check=False).returncode
        if code == _TOLD_ALREADY:
            return pb.RunResponse(bail=True)
        return pb.RunResponse(error=f"the program exited with {code}" if code else "")

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:
        """Run a plugin in Python, a policy pack for one, and hand on what it prints until it ends."""
        process = subprocess.Popen(
            [sys.executable, "-u", _program(request.info), *request.args],
            cwd=request.pwd,
            env=os.environ | dict(pair.split("=", 1) for pair in request.env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        context.add_callback(process.terminate)
        said: queue.Queue[Any] = queue.Queue()
        streams = {"stdout": process.stdout, "stderr": process.stderr}
        for name, stream in streams.items():
            threading.Thread(target=_hand_on, args=(name, stream, said), daemon=True).start()
        for _ in streams:
            yield from iter(said.get, None)
        yield pb.RunPluginResponse(exitcode=process.wait())


def _program(info: Any) -> str:
    return os.path.normpath(Path(info.program_directory) / info.entry_point)


def _hand_on(name: str, stream: IO[bytes], said: "queue.Queue[Any]") -> None:
    for line in stream:
        said.put(pb.RunPluginResponse(**{name: line}))
    said.put(None)


def serve(engine: str) -> None:
    """Serve until the CLI ends the process."""
    server = grpc.server(futures.ThreadPoolExecutor(16))
    host = Host(engine, Path(os.environ["PULUMI_PYTHON_EXECUTOR"]))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)  # noqa: T201 - the protocol's
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    # The CLI is interrupted together with its plugins, and then still has to tell them what to do.
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    serve(next(word for word in reversed(sys.argv[1:]) if not word.startswith("-")))

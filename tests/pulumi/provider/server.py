"""A plugin that stands in for `pulumi-resource-aws`: the real `pulumi` asks, an AWS on this machine does.

It speaks Pulumi's protocol itself: the SDK's own class for providers forgets archives in the state, and calls children
by their parents' types too.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from concurrent import futures
from importlib.metadata import version
from typing import Any, Final, TypeVar

import grpc
from botocore.exceptions import ClientError
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as pb

from tests.pulumi.provider import all_types, lookups
from tests.pulumi.provider.inputs import Inputs
from tests.pulumi.provider.kinds import Aws, Kind, is_gone, kind
from tests.pulumi.provider.wire import Raw, comparable, plain, received, rewrapped, sent

VERSION: Final = version("pulumi-aws")
_DEFAULTS: Final = "__defaults"
"""Where the names of properties are noted that have a value although the program gave none."""

Context = grpc.ServicerContext
Answer = TypeVar("Answer")


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """All of the protocol that the CLI uses."""

    def __init__(self, endpoint: str) -> None:
        all_types.load()
        self._endpoint = endpoint
        self._aws: Aws | None = None

    def Handshake(self, request: Any, context: Context) -> Any:
        return pb.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True)

    def GetPluginInfo(self, request: Any, context: Context) -> Any:
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(self, request: Any, context: Context) -> Any:
        return pb.GetSchemaResponse(schema=json.dumps({"name": "aws", "version": VERSION}))

    def GetMapping(self, request: Any, context: Context) -> Any:
        return pb.GetMappingResponse()

    def Attach(self, request: Any, context: Context) -> Any:
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Context) -> Any:
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, context: Context) -> Any:
        return pb.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Context) -> Any:
        return pb.DiffResponse(changes=pb.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Context) -> Any:
        self._aws = Aws(self._endpoint, plain(received(request.args))["region"])
        return pb.ConfigureResponse(acceptSecrets=True, acceptResources=True, supportsPreview=True)

    def Check(self, request: Any, context: Context) -> Any:
        of, olds, news = kind(_type(request.urn)), received(request.olds), received(request.news)
        return pb.CheckResponse(inputs=sent(_completed(of, request.urn, bytes(request.randomSeed), olds, news)))

    def Diff(self, request: Any, context: Context) -> Any:
        of, old, new = kind(_type(request.urn)), received(request.old_inputs), received(request.news)
        names = {name for name in (old.keys() | new.keys()) - {_DEFAULTS} if name not in request.ignoreChanges}
        diffs = sorted(name for name in names if comparable(old.get(name)) != comparable(new.get(name)))
        replaces = [name for name in diffs if name in of.replaces]
        return pb.DiffResponse(
            changes=pb.DiffResponse.DIFF_SOME if diffs else pb.DiffResponse.DIFF_NONE,
            diffs=diffs,
            replaces=replaces,
            # Two things of the same name cannot be there at once.
            deleteBeforeReplace=not of.coexists and of.named not in new.get(_DEFAULTS, []),
        )

    def Create(self, request: Any, context: Context) -> Any:
        raw = received(request.properties)
        if request.preview:
            return pb.CreateResponse(properties=request.properties)
        of = kind(_type(request.urn))
        inputs = _inputs(of, raw)
        id_, outputs = self._said(context, lambda: of.create(self._there, inputs))
        unheard = _unheard(of, inputs, raw, {})
        if unheard:
            # It is there already: without this it would stay, and nobody would know of it.
            self._said(context, lambda: of.delete(self._there, id_, _plain(raw) | outputs))
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, unheard)
        return pb.CreateResponse(id=id_, properties=sent(raw | rewrapped(outputs, raw)))

    def Read(self, request: Any, context: Context) -> Any:
        state, inputs = received(request.properties), received(request.inputs)
        found = self._said(context, lambda: _alive(kind(_type(request.urn)), self._there, request.id, _plain(state)))
        if found is None:
            return pb.ReadResponse()
        now = {name: value for name, value in found.items() if not _same(value, plain(inputs.get(name)))}
        known = {name: value for name, value in rewrapped(now, inputs).items() if name in inputs}
        return pb.ReadResponse(id=request.id, properties=sent(state | known), inputs=sent(inputs | known))

    def Update(self, request: Any, context: Context) -> Any:
        of, state, raw = kind(_type(request.urn)), received(request.olds), received(request.news)
        if request.preview:
            return pb.UpdateResponse(properties=sent(state | raw))
        inputs, known = _inputs(of, raw), _plain(state)
        outputs = self._said(context, lambda: of.update(self._there, request.id, inputs, known))
        if unheard := _unheard(of, inputs, raw, received(request.old_inputs)):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, unheard)
        gone = received(request.old_inputs).keys() - raw.keys()
        kept = {name: value for name, value in state.items() if name not in gone}
        return pb.UpdateResponse(properties=sent(kept | raw | rewrapped(outputs, raw)))

    def Delete(self, request: Any, context: Context) -> Any:
        of, known = kind(_type(request.urn)), _plain(received(request.properties))
        self._said(context, lambda: _removed(of, self._there, request.id, known))
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Context) -> Any:
        asked = _plain(received(request.args))
        return pb.InvokeResponse(
            **{"return": sent(self._said(context, lambda: lookups.look_up(request.tok, self._there, asked)))}
        )

    @property
    def _there(self) -> Aws:
        if self._aws is None:
            raise RuntimeError("the provider is asked before it is configured")
        return self._aws

    def _said(self, context: Context, act: Callable[[], Answer]) -> Answer:
        """Do it; what goes wrong is for the CLI to show."""
        try:
            return act()
        except Exception as error:
            context.abort(grpc.StatusCode.UNKNOWN, f"{type(error).__name__}: {error}")
            raise


def _type(urn: str) -> str:
    """Return a resource's type; the types of its parents stand before it."""
    return urn.split("::")[2].rpartition("$")[2]


def _plain(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in raw.items()}


def _inputs(of: Kind, raw: Raw) -> Inputs:
    return Inputs(_plain({name: value for name, value in raw.items() if name not in {_DEFAULTS, "region"}}))


def _completed(of: Kind, urn: str, seed: bytes, olds: Raw, news: Raw) -> Raw:
    """Return the properties with what the provider adds: a name that nobody else has, and the tags."""
    completed = {name: value for name, value in news.items() if value is not None}
    defaults = []
    if of.named and of.named not in completed:
        kept = olds.get(of.named) if of.named in olds.get(_DEFAULTS, []) else None
        digest = hashlib.sha256(seed + urn.encode()).hexdigest()[:7]
        completed[of.named] = kept or f"{urn.rpartition('::')[2]}-{digest}"
        defaults = [of.named]
    if of.tagged:
        completed["tagsAll"] = completed.get("tags", {})
    return {**completed, _DEFAULTS: defaults}


def _unheard(of: Kind, inputs: Inputs, raw: Raw, before: Raw) -> str:
    """Say which new or changed properties the stand-in would have dropped without a word."""
    changed = {name for name in raw if comparable(raw[name]) != comparable(before.get(name))}
    paths = [path for path in inputs.unseen() if path.split(".")[0].split("[")[0] in changed]
    if of.tagged:
        paths = [path for path in paths if path != "tags"]
    return f"{of.token}: the stand-in for AWS does not look at {', '.join(paths)}" if paths else ""


def _same(found: Any, known: Any) -> bool:
    """Return whether two values are the same; policies may be written differently."""
    if found == known:
        return True
    try:
        read = [json.loads(one) if isinstance(one, str) else one for one in (found, known)]
    except ValueError:
        return False
    return bool(read[0] == read[1])


def _alive(of: Kind, aws: Aws, id_: str, known: dict[str, Any]) -> dict[str, Any] | None:
    try:
        return of.read(aws, id_, known)
    except ClientError as error:
        if is_gone(error):
            return None
        raise


def _removed(of: Kind, aws: Aws, id_: str, known: dict[str, Any]) -> None:
    try:
        of.delete(aws, id_, known)
    except ClientError as error:
        if not is_gone(error):
            raise


def serve() -> None:
    """Serve until the CLI ends the process; the first line that it reads is the port."""
    server = grpc.server(futures.ThreadPoolExecutor(16))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(os.environ["AWS_ENDPOINT_URL"]), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)  # noqa: T201 - the protocol's
    server.start()
    server.wait_for_termination()

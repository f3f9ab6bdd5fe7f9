"""Values as Pulumi sends them between processes, and as Python has them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from google.protobuf import json_format, struct_pb2

_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the same in every Pulumi
_ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"
_ARCHIVE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"
UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

Raw = dict[str, Any]
"""Properties as they were sent: secrets wrapped, files described."""


class Asset:
    """A file, or an archive of files, that a program hands over. `files` names what is in it and reads it."""

    def __init__(self, raw: Raw) -> None:
        self.raw = raw
        self.digest = raw.get("hash", "")

    @property
    def path(self) -> Path | None:
        """Where it is on this machine, if it is one file or folder there."""
        return Path(self.raw["path"]) if self.raw.get("path") else None

    def content(self) -> bytes:
        """Return what is in the file."""
        return self.raw["text"].encode() if "text" in self.raw else Path(self.raw["path"]).read_bytes()

    def files(self, under: str = "") -> Iterable[tuple[str, bytes]]:
        """Yield every file of an archive that was put together by the program, with its name in it."""
        for name, part in sorted(self.raw["assets"].items()):
            inner, full = Asset(part), f"{under}{name}"
            if "assets" in part:
                yield from inner.files(f"{full}/")
            else:
                yield full, inner.content()


def received(struct: struct_pb2.Struct) -> Raw:
    """Return properties as they were sent."""
    return json_format.MessageToDict(struct)


def sent(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return properties to send."""
    struct = struct_pb2.Struct()
    struct.update(dict(values))
    return struct


def plain(value: Any) -> Any:
    """Return a value without its wrapping: whole numbers as int, secrets bare, files as `Asset`."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [plain(one) for one in value]
        case {"4dabf18193072939515e22adb298388d": signature, **rest}:
            return plain(rest["value"]) if signature == _SECRET else Asset(value)
        case dict():
            return {key: plain(one) for key, one in value.items()}
        case _:
            return value


def comparable(value: Any) -> Any:
    """Return a value such that equal ones are the same thing: a file is what is in it, wherever it is."""
    match plain(value):
        case Asset(digest=digest):
            return digest
        case dict() as inner:
            return {key: comparable(one) for key, one in inner.items()}
        case list() as inner:
            return [comparable(one) for one in inner]
        case bare:
            return bare


def is_secret(value: Any) -> bool:
    """Return whether a value is a secret, or has one in it."""
    if isinstance(value, list):
        return any(map(is_secret, value))
    if not isinstance(value, dict):
        return False
    return value.get(_SIGNATURE) == _SECRET or any(map(is_secret, value.values()))


def secret(value: Any) -> Raw:
    """Return a value wrapped as a secret: Pulumi encrypts it where it keeps it."""
    return {_SIGNATURE: _SECRET, "value": value}


def rewrapped(values: Mapping[str, Any], raw: Mapping[str, Any]) -> Raw:
    """Return plain values for sending: what was a secret or a file before is one again."""
    wrapped = {}
    for key, value in values.items():
        before = raw.get(key)
        if before is not None and comparable(before) == comparable(value):
            wrapped[key] = before
        elif isinstance(value, Asset):
            wrapped[key] = value.raw
        else:
            wrapped[key] = secret(value) if is_secret(before) else value
    return wrapped

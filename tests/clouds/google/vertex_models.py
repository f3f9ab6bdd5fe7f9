"""Vertex AI's Model Registry: models with versions, whose aliases each lead to one version of a model."""

import secrets
from typing import Any, Final

from tests.clouds.google.executions import now
from tests.clouds.google.front import Answer, Request, refused, told

_TYPE: Final = "type.googleapis.com/google.cloud.aiplatform.v1."
DEFAULT: Final = "default"


class Models:
    """The models of all projects, each a list of its versions."""

    def __init__(self) -> None:
        """Begin with none."""
        self._models: dict[str, list[dict[str, Any]]] = {}

    def answer(self, parent: str, short: str | None, version: str | None, verb: str | None, request: Request) -> Answer:
        """Answer what is asked about models."""
        if short is None:
            return self._upload(parent, request.json()) if verb == "upload" else told({"models": self._newest(parent)})
        name = f"{parent}/models/{short}"
        versions = self._models.get(name, [])
        if not versions:
            return missing(name)
        one = next((one for one in versions if _is(one, version or DEFAULT)), None)
        match request.method, verb:
            case "GET", "listVersions":
                return told({"models": versions})
            case "GET", None:
                return told(one) if one else missing(f"{name}@{version}")
            case "POST", "mergeVersionAliases":
                return self._merge(versions, one, request.json()["versionAliases"]) if one else missing(name)
            case "PATCH", None:
                if one is None:
                    return missing(f"{name}@{version}")
                fields = request.one("updateMask").split(",")
                body = request.json()
                one |= {_camel(field): body.get(_camel(field)) for field in fields} | {"updateTime": now()}
                return told(one)
            case _:
                return refused(501, "UNIMPLEMENTED", f"{request.method} {verb} of a model is not played here")

    def _newest(self, parent: str) -> list[dict[str, Any]]:
        return [
            next(one for one in versions if _is(one, DEFAULT))
            for name, versions in self._models.items()
            if name.startswith(f"{parent}/")
        ]

    def _upload(self, parent: str, body: dict[str, Any]) -> Answer:
        model = body["model"]
        name = body.get("parentModel") or f"{parent}/models/{body.get('modelId') or secrets.randbelow(10**18)}"
        name = name.partition("@")[0]
        if body.get("parentModel") and name not in self._models:
            return missing(name)
        if not body.get("parentModel") and name in self._models:
            return refused(409, "ALREADY_EXISTS", f"Model {name} already exists.")
        versions = self._models.setdefault(name, [])
        number = str(len(versions) + 1)
        aliases = set(model.get("versionAliases", ())) | (set() if versions else {DEFAULT})
        kept = {**model, "name": name, "versionId": number, "versionAliases": [], "etag": secrets.token_hex(8)}
        versions.append(kept | {"createTime": now(), "versionCreateTime": now(), "updateTime": now()})
        self._merge(versions, versions[-1], sorted(aliases))
        response = {"@type": f"{_TYPE}UploadModelResponse", "model": name, "modelVersionId": number}
        return told({"name": f"{name}/operations/{number}", "done": True, "response": response})

    def _merge(self, versions: list[dict[str, Any]], one: dict[str, Any], aliases: list[str]) -> Answer:
        """Move aliases to a version, or away from it where one begins with `-`."""
        for alias in aliases:
            for other in versions:
                other["versionAliases"] = [known for known in other["versionAliases"] if known != alias.lstrip("-")]
            if not alias.startswith("-"):
                one["versionAliases"].append(alias)
        return told(one)


def missing(name: str) -> Answer:
    """Return that there is no such thing."""
    return refused(404, "NOT_FOUND", f"{name} is not found.")


def _is(one: dict[str, Any], version: str) -> bool:
    return version == one["versionId"] or version in one["versionAliases"]


def _camel(field: str) -> str:
    first, *others = field.split("_")
    return first + "".join(other.title() for other in others)

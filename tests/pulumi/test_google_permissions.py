"""Every role of every function's account on Google Cloud, one by one: with it something is done, without it refused.

The grants are those that `infra/` has asked for, read from the state of the stack. What a role allows is written down
by us (tests/clouds/google/permissions.py), so this shows that no grant is there twice, and that none is for something
else than what it is named for; that the functions need what they have is seen where they work (test_loop.py).
"""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapters.gcp.api import Api
from adapters.gcp.tokens import Nobody
from tests.clouds.google.throwaway import PROJECT, REGION
from tests.clouds.google.world import SERVICES, Google, running
from tests.clouds.tools import MissingToolError
from tests.pulumi.on_google import CONFIG
from tests.pulumi.stack import Stack, google_at

PROGRAM = Path(__file__).parent / "program"
FUNCTIONS = ("collect", "features", "jobs", "labels", "materialize", "monitor", "predict", "retrain", "tracking")
PREFIX = "airport-dev"
IN_PROJECT = f"/v1/projects/{PROJECT}"
ITEMS = f"{IN_PROJECT}/databases/{PREFIX}-table/documents"

Asked = tuple[str, str, object]


@dataclass(frozen=True, slots=True)
class Grant:
    """A role of an account, on the thing whose policy is at `thing`; `under`: of a bucket, only what begins so."""

    email: str
    role: str
    thing: str
    under: str = ""

    @property
    def asks(self) -> Asked:
        """What is asked with it: a method, a path and a body. Nothing has to be there."""
        return _asks(self)


def _object(one: Grant) -> str:
    return f"{one.thing.removesuffix('/iam')}/o/{one.under.replace('/', '%2F')}of-the-test"


def _asks(one: Grant) -> Asked:
    match one.role.removeprefix("roles/"):
        case "datastore.user":
            return "POST", f"{ITEMS}:commit", {"writes": [{"delete": f"{ITEMS.removeprefix('/v1/')}/items/x"}]}
        case "datastore.viewer":
            return "GET", f"{ITEMS}/items/x", None
        case "iam.serviceAccountTokenCreator":
            return "POST", f"/v1/projects/-/serviceAccounts/{one.email}:signBlob", {"payload": "eA=="}
        case "pubsub.publisher":
            return "POST", f"{one.thing}:publish", {"messages": [{"attributes": {"of": "the test"}}]}
        case "pubsub.subscriber":
            return "POST", f"{one.thing}:pull", {"maxMessages": 1, "returnImmediately": True}
        case "run.jobsExecutorWithOverrides":
            return "POST", f"{one.thing}:run", {}
        case "run.viewer":
            return "GET", one.thing, None
        case "storage.objectUser":
            return "DELETE", _object(one), None
        case "storage.objectViewer":
            return "GET", _object(one), None
        case unknown:
            raise ValueError(f"say here what is asked with {unknown}")


@dataclass(frozen=True, slots=True)
class World:
    """A Google with a stack in it whose functions do next to nothing."""

    google: Google
    stack: Stack

    def asked(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Ask Google, as somebody who may do everything."""
        with closing(Api("", endpoint=self.google.endpoint, tokens=Nobody())) as api:
            return api.call(method, path, body)

    def grants(self) -> list[Grant]:
        """Return the grants of the functions' accounts, as they are in the state of the stack."""
        emails = [f"{PREFIX}-{name}@{PROJECT}.iam.gserviceaccount.com" for name in FUNCTIONS]
        found = []
        for one in self.stack.resources():
            inputs = one.get("inputs", {})
            email = str(inputs.get("member", "")).removeprefix("serviceAccount:")
            if one["type"].lower().endswith("iammember") and email in emails:
                title = inputs.get("condition", {}).get("title", "")
                under = title.removeprefix("under ") if title.startswith("under ") else ""
                found.append(Grant(email, inputs["role"], _thing(inputs), under))
        return found

    def refuses(self, one: Grant) -> bool:
        """Return whether an account is refused what one of its roles is for, by the machine that it runs on."""
        method, path, body = one.asks
        host = self.asked("GET", f"/_local/machines/{one.email}")["host"]
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://{host}{path}", data, {"content-type": "application/json"}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60):  # noqa: S310
                return False
        except urllib.error.HTTPError as error:
            with error:
                said = error.read().decode()
            if error.code not in {403, 404}:
                raise AssertionError(said) from error
            return error.code == 403 and "does not have roles/" in said

    @contextmanager
    def without(self, grant: Grant) -> Iterator[None]:
        """Take a role from an account, and give it back."""
        policy = self.asked("GET", grant.thing if grant.under else f"{grant.thing}:getIamPolicy")["bindings"]
        member = f"serviceAccount:{grant.email}"
        left = [
            {**one, "members": [each for each in one["members"] if each != member]} if _is(one, grant) else one
            for one in policy
        ]
        assert left != policy, f"{grant} is not there: {policy}"
        self._let(grant, left)
        try:
            yield
        finally:
            self._let(grant, policy)

    def _let(self, grant: Grant, bindings: list[dict[str, Any]]) -> None:
        policy = {"version": 3, "bindings": [one for one in bindings if one["members"]]}
        if grant.under:
            self.asked("PUT", grant.thing, policy)
        else:
            self.asked("POST", f"{grant.thing}:setIamPolicy", {"policy": policy})


def _is(binding: Mapping[str, Any], grant: Grant) -> bool:
    title = binding.get("condition", {}).get("title", "")
    return binding["role"] == grant.role and (not grant.under or title == f"under {grant.under}")


def _thing(inputs: Mapping[str, Any]) -> str:
    """Return where the policy of the thing is that a grant is on."""
    match inputs:
        case {"bucket": bucket}:
            return f"/storage/v1/b/{bucket}/iam"
        case {"topic": topic}:
            return f"{IN_PROJECT}/topics/{str(topic).rpartition('/')[2]}"
        case {"subscription": subscription}:
            return f"{IN_PROJECT}/subscriptions/{subscription}"
        case {"serviceAccountId": account}:
            return f"/v1/{account}"
        case {"location": _, "name": job}:
            return f"/v2/projects/{PROJECT}/locations/{REGION}/jobs/{job}"
        case _:
            return IN_PROJECT


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("permissions")
    try:
        with running(SERVICES) as google:
            extra = {"LOOPWRIGHT_PLACEHOLDERS": str(folder)}
            stack = Stack("dev", google_at(google.endpoint), folder, PROGRAM, extra=extra)
            stack.create(**CONFIG, project="tests/airport")
            stack.run("config", "set", "--secret", "note", "--", "of the test", stack=True)
            stack.up()
            yield World(google, stack)
    except MissingToolError as error:
        pytest.skip(str(error))


@pytest.mark.timeout(600)
def test_each_role_of_each_account_is_what_lets_it_do_one_thing(world: World, subtests: pytest.Subtests) -> None:
    grants = world.grants()
    assert {one.email.partition("@")[0].removeprefix(f"{PREFIX}-") for one in grants} == set(FUNCTIONS)
    assert len(grants) > 30
    for one in grants:
        with subtests.test(f"{one.email.partition('@')[0]} without {one.role} on {one.thing} {one.under}"):
            assert not world.refuses(one)
            with world.without(one):
                assert world.refuses(one)

"""A project that `pulumi up` has deployed into a Google on this machine."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from adapters import open_platform
from adapters.gcp.api import Api
from adapters.gcp.tokens import Nobody
from loopwright.settings import Settings
from tests.clouds.google.ledger import OWNER
from tests.clouds.google.oidc import Signer
from tests.clouds.google.throwaway import PROJECT, REGION
from tests.clouds.google.world import SERVICES, Google, running
from tests.clouds.tools import ROOT
from tests.pulumi.deployed import Answered, Deployed, asking, sent
from tests.pulumi.stack import Stack, google_at

CONFIG: Final = {"provider": "gcp", "gcp__project": PROJECT, "gcp__region": REGION, "protect": "false"}


@dataclass(frozen=True, slots=True)
class OnGoogle(Deployed):
    """A stack on Google Cloud.

    Attributes:
        google: where it is.
        outputs: what the stack says of itself.
    """

    google: Google
    outputs: Mapping[str, Any]

    @override
    def post(self, function: str, path: str, body: object) -> Answered:
        url = self.outputs[f"{function}Url"]
        return sent(asking(f"{url.rstrip('/')}{path}", body, Authorization=self._bearer(OWNER, url.rstrip("/"))))

    @override
    def asked_by_nobody(self, function: str, path: str, body: object) -> Answered:
        return sent(asking(f"{self.outputs[f'{function}Url'].rstrip('/')}{path}", body))

    @override
    def due(self, schedule: str) -> None:
        self.fire(schedule)

    def fire(self, schedule: str) -> Any:
        """Call what a schedule calls, as the account that it calls as, and return what it answered.

        Raises:
            RuntimeError: it failed.
        """
        job = self.asked("GET", f"/v1/projects/{PROJECT}/locations/{REGION}/jobs/{self.prefix}-{schedule}")
        target = job["httpTarget"]
        account, audience = target["oidcToken"]["serviceAccountEmail"], target["oidcToken"]["audience"]
        answer = sent(asking(target["uri"], {}, Authorization=self._bearer(account, audience)))
        if answer.status != 200:
            raise RuntimeError(f"{target['uri']} failed: {answer}")
        return answer.body

    def called(self, function: str, path: str, *, by: str, audience: str = "") -> Answered:
        """Call a function as an account, with a token that is for it or for somebody else."""
        name = f"{self.prefix}-{function}"
        url = self.asked("GET", f"/v2/projects/{PROJECT}/locations/{REGION}/services/{name}")["uri"]
        return sent(asking(f"{url}{path}", {}, Authorization=self._bearer(by, audience or name)))

    def asked(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Ask Google, as somebody who may do everything."""
        with closing(Api("", endpoint=self.google.endpoint, tokens=Nobody())) as api:
            return api.call(method, path, body)

    def policy(self, thing: str) -> dict[str, Any]:
        """Return who may do what with something."""
        return self.asked("GET", thing if thing.endswith("/iam") else f"{thing}:getIamPolicy")

    def let(self, thing: str, bindings: list[dict[str, Any]]) -> None:
        """Set who may do what with something."""
        policy = {"version": 3, "bindings": bindings}
        if thing.endswith("/iam"):
            self.asked("PUT", thing, policy)
        else:
            self.asked("POST", f"{thing}:setIamPolicy", {"policy": policy})

    def token_for(self, audience: str, account: str = OWNER) -> str:
        """Return an identity token of somebody, for somebody."""
        return Signer(self.google.folder).token(audience=audience, email=account)

    def _bearer(self, account: str, audience: str) -> str:
        return f"Bearer {self.token_for(audience, account)}"

    @property
    def prefix(self) -> str:
        """How the names of all things begin."""
        return str(self.outputs["environment"]["LOOPWRIGHT_GCP_QUEUES"])


@contextmanager
def deployed(folder: Path, project: Path, clock: Path) -> Iterator[OnGoogle]:
    """Deploy a project for the time of the block; the state of the stack is in the folder.

    Raises:
        MissingToolError: something that this takes is not to be had here.
    """
    with running(SERVICES, variables={"LOOPWRIGHT_CLOCK_FILE": str(clock)}) as google:
        stack = Stack("loop", google_at(google.endpoint), folder)
        stack.create(**CONFIG, project=str(project.relative_to(ROOT)))
        stack.up()
        outputs = stack.outputs()
        told = {"LOOPWRIGHT_PROJECT": str(project), "LOOPWRIGHT_CLOCK_FILE": str(clock)}
        place = {"LOOPWRIGHT_GCP_ENDPOINT": google.endpoint}
        with closing(open_platform(Settings.from_env({**outputs["environment"], **told, **place}))) as platform:
            yield OnGoogle(platform, clock, google, outputs)

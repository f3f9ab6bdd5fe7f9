"""Who may do what: one member of one role, added to the policy of a thing that may have others."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from adapters.gcp.replies import ServiceError
from tests.pulumi.provider.gcp.kinds import Google, Json, Kind, project, region
from tests.pulumi.provider.inputs import Inputs
from tests.pulumi.provider.kinds import Made, Outputs

_ATTEMPTS: Final = 50
_ALL: Final = ("role", "member", "condition")


class Member(Kind):
    """A member of a role on something."""

    @abstractmethod
    def thing(self, google: Google, inputs: Inputs) -> str:
        """Return the path of what it is about."""

    def policy(self, google: Google, thing: str) -> Json:
        """Return who may do what with it."""
        return google.call("POST", f"{thing}:getIamPolicy", {"options": {"requestedPolicyVersion": 3}})

    def let(self, google: Google, thing: str, policy: Json) -> None:
        """Set who may do what with it."""
        google.call("POST", f"{thing}:setIamPolicy", {"policy": policy})

    def create(self, google: Google, inputs: Inputs) -> Made:
        thing, binding = self.thing(google, inputs), _binding(inputs)
        self._changed(google, thing, lambda bindings: [*(one for one in bindings if one != binding), binding])
        title = binding.get("condition", {}).get("title", "")
        return " ".join(filter(None, [thing, inputs["role"], inputs["member"], title])), {}

    def read(self, google: Google, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        inputs = Inputs(known)
        wanted = _binding(inputs)
        found = self.policy(google, self.thing(google, inputs)).get("bindings", [])
        alike = [one for one in found if _about(one) == _about(wanted) and inputs["member"] in one["members"]]
        return {} if alike else None

    def delete(self, google: Google, id_: str, known: Mapping[str, Any]) -> None:
        inputs = Inputs(known)
        unwanted, member = _binding(inputs), inputs["member"]

        def without(bindings: list[Json]) -> list[Json]:
            kept = [
                {**one, "members": [each for each in one["members"] if each != member]}
                if _about(one) == _about(unwanted)
                else one
                for one in bindings
            ]
            return [one for one in kept if one["members"]]

        self._changed(google, self.thing(google, inputs), without)

    def _changed(self, google: Google, thing: str, change: Callable[[list[Json]], list[Json]]) -> None:
        """Change a policy; whoever changes it meanwhile has it changed before."""
        for attempt in range(_ATTEMPTS):
            policy = self.policy(google, thing)
            try:
                self.let(google, thing, {**policy, "version": 3, "bindings": change(policy.get("bindings", []))})
            except ServiceError as error:
                if error.status != HTTPStatus.CONFLICT or attempt == _ATTEMPTS - 1:
                    raise
            else:
                return


def _binding(inputs: Inputs) -> Json:
    binding: Json = {"role": inputs["role"], "members": [inputs["member"]]}
    if "condition" in inputs:
        binding["condition"] = inputs.part("condition").camel("title", "description", "expression")
    return binding


def _about(binding: Mapping[str, Any]) -> tuple[object, object]:
    return binding["role"], binding.get("condition")


class OfProject(Member, token="gcp:projects/iAMMember:IAMMember", replaces=_ALL):
    def thing(self, google: Google, inputs: Inputs) -> str:
        return f"/v1/{project(google, inputs)}"


class OfBucket(Member, token="gcp:storage/bucketIAMMember:BucketIAMMember", replaces=["bucket", *_ALL]):
    def thing(self, google: Google, inputs: Inputs) -> str:
        return f"/storage/v1/b/{inputs['bucket']}/iam"

    def policy(self, google: Google, thing: str) -> Json:
        return google.call("GET", thing)

    def let(self, google: Google, thing: str, policy: Json) -> None:
        google.call("PUT", thing, policy)


class OfTopic(Member, token="gcp:pubsub/topicIAMMember:TopicIAMMember", replaces=["topic", *_ALL]):
    def thing(self, google: Google, inputs: Inputs) -> str:
        return f"/v1/{project(google, inputs)}/topics/{inputs['topic'].rpartition('/')[2]}"

    def policy(self, google: Google, thing: str) -> Json:
        return google.call("GET", f"{thing}:getIamPolicy")


class OfSubscription(
    OfTopic, token="gcp:pubsub/subscriptionIAMMember:SubscriptionIAMMember", replaces=["subscription", *_ALL]
):
    def thing(self, google: Google, inputs: Inputs) -> str:
        return f"/v1/{project(google, inputs)}/subscriptions/{inputs['subscription'].rpartition('/')[2]}"


class OfAccount(Member, token="gcp:serviceaccount/iAMMember:IAMMember", replaces=["serviceAccountId", *_ALL]):
    def thing(self, google: Google, inputs: Inputs) -> str:
        return f"/v1/{inputs['serviceAccountId']}"


class OfSecret(Member, token="gcp:secretmanager/secretIamMember:SecretIamMember", replaces=["secretId", *_ALL]):
    def thing(self, google: Google, inputs: Inputs) -> str:
        return f"/v1/{project(google, inputs)}/secrets/{inputs['secretId'].rpartition('/')[2]}"

    def policy(self, google: Google, thing: str) -> Json:
        return google.call("GET", f"{thing}:getIamPolicy")


class OfRepository(
    Member,
    token="gcp:artifactregistry/repositoryIamMember:RepositoryIamMember",
    replaces=["repository", "location", *_ALL],
):
    def thing(self, google: Google, inputs: Inputs) -> str:
        return f"/v1/{region(google, inputs)}/repositories/{inputs['repository']}"

    def policy(self, google: Google, thing: str) -> Json:
        return google.call("GET", f"{thing}:getIamPolicy")


class OfService(Member, token="gcp:cloudrunv2/serviceIamMember:ServiceIamMember", replaces=["name", "location", *_ALL]):
    def thing(self, google: Google, inputs: Inputs) -> str:
        return f"/v2/{region(google, inputs)}/services/{inputs['name']}"

    def policy(self, google: Google, thing: str) -> Json:
        return google.call("GET", f"{thing}:getIamPolicy")


class OfJob(OfService, token="gcp:cloudrunv2/jobIamMember:JobIamMember", replaces=["name", "location", *_ALL]):
    def thing(self, google: Google, inputs: Inputs) -> str:
        return f"/v2/{region(google, inputs)}/jobs/{inputs['name']}"

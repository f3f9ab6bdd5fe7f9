"""Where images are built and kept."""

from collections.abc import Mapping
from typing import Any

from tests.pulumi.provider.aws.kinds import Aws, Kind, Made, Outputs, Put, pairs
from tests.pulumi.provider.inputs import Inputs


class Repository(Kind, token="aws:ecr/repository:Repository", named="name", tagged=True):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        inputs.get("forceDelete")  # says what `delete` may do
        kept = [one.pascal("encryptionType", "kmsKey") for one in inputs.parts("encryptionConfigurations")]
        made = aws.api("ecr").create_repository(
            repositoryName=inputs["name"],
            tags=pairs(inputs.get("tagsAll", {})),
            **inputs.camel("imageTagMutability", "imageScanningConfiguration"),
            **({"encryptionConfiguration": {k[:1].lower() + k[1:]: v for k, v in kept[0].items()}} if kept else {}),
        )["repository"]
        known = {"arn": made["repositoryArn"], "repositoryUrl": made["repositoryUri"], "registryId": aws.account}
        return inputs["name"], known

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        (found,) = aws.api("ecr").describe_repositories(repositoryNames=[id_])["repositories"]
        return {"imageTagMutability": found["imageTagMutability"]}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        api = aws.api("ecr")
        inputs.camel("name", "forceDelete")
        api.put_image_tag_mutability(repositoryName=id_, **inputs.camel("imageTagMutability"))
        api.put_image_scanning_configuration(repositoryName=id_, **inputs.camel("imageScanningConfiguration"))
        api.tag_resource(resourceArn=known["arn"], tags=pairs(inputs.get("tagsAll", {})))
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("ecr").delete_repository(repositoryName=id_, force=bool(known.get("forceDelete")))


class RepositoryLifecycle(Put, token="aws:ecr/lifecyclePolicy:LifecyclePolicy", replaces=["repository"]):
    def put(self, aws: Aws, inputs: Inputs) -> Made:
        name = inputs["repository"]
        aws.api("ecr").put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=inputs["policy"])
        return name, {}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        return {"policy": aws.api("ecr").get_lifecycle_policy(repositoryName=id_)["lifecyclePolicyText"]}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("ecr").delete_lifecycle_policy(repositoryName=id_)


class BuildProject(Kind, token="aws:codebuild/project:Project", named="name", tagged=True):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        made = aws.api("codebuild").create_project(**self._asked(inputs))["project"]
        return made["arn"], {"arn": made["arn"]}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        aws.api("codebuild").update_project(**self._asked(inputs))
        return {}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = aws.api("codebuild").batch_get_projects(names=[known["name"]])["projects"]
        return {} if found else None

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("codebuild").delete_project(name=known["name"])

    def _asked(self, inputs: Inputs) -> dict[str, Any]:
        how = dict(inputs["environment"])
        how["environmentVariables"] = [{"type": "PLAINTEXT", **one} for one in how.get("environmentVariables", ())]
        logs = dict(inputs.get("logsConfig", {}))
        if "cloudwatchLogs" in logs:
            logs = {"cloudWatchLogs": {"status": "ENABLED", **logs.pop("cloudwatchLogs")}, **logs}
        return {
            "name": inputs["name"],
            "environment": how,
            "tags": pairs(inputs.get("tagsAll", {}), "key", "value"),
            **({"logsConfig": logs} if logs else {}),
            **({"timeoutInMinutes": inputs["buildTimeout"]} if "buildTimeout" in inputs else {}),
            **inputs.camel("serviceRole", "artifacts", "source", "description"),
        }

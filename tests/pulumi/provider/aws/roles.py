"""Roles, and what they may do."""

from collections.abc import Mapping
from typing import Any

from tests.pulumi.provider.aws.kinds import Aws, Kind, Made, Outputs, Put, changed, pairs
from tests.pulumi.provider.aws.policies import as_known, put_here
from tests.pulumi.provider.inputs import Inputs


class Role(Kind, token="aws:iam/role:Role", named="name", replaces=["path"], tagged=True):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        made = aws.api("iam").create_role(
            RoleName=inputs["name"],
            AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
            Tags=pairs(inputs.get("tagsAll", {})),
            **inputs.pascal("path", "description", "maxSessionDuration", "permissionsBoundary"),
        )["Role"]
        return inputs["name"], {"arn": made["Arn"], "uniqueId": made["RoleId"]}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        aws.api("iam").get_role(RoleName=id_)
        return {}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        inputs.get("name")
        api, before, now = aws.api("iam"), known.get("tagsAll", {}), inputs.get("tagsAll", {})
        if changed(known, inputs, "assumeRolePolicy"):
            api.update_assume_role_policy(RoleName=id_, PolicyDocument=inputs["assumeRolePolicy"])
        if changed(known, inputs, "description", "maxSessionDuration"):
            api.update_role(RoleName=id_, **inputs.pascal("description", "maxSessionDuration"))
        if gone := sorted(before.keys() - now.keys()):
            api.untag_role(RoleName=id_, TagKeys=gone)
        api.tag_role(RoleName=id_, Tags=pairs(now))
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("iam").delete_role(RoleName=id_)


class RolePolicy(Put, token="aws:iam/rolePolicy:RolePolicy", named="name", replaces=["role"]):
    def put(self, aws: Aws, inputs: Inputs) -> Made:
        role, name = inputs["role"], inputs["name"]
        aws.api("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=put_here(inputs["policy"]))
        return f"{role}:{name}", {}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        role, name = id_.split(":")
        found = aws.api("iam").get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        return {"policy": as_known(found, known["policy"])}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        role, name = id_.split(":")
        aws.api("iam").delete_role_policy(RoleName=role, PolicyName=name)


class RolePolicyAttachment(
    Kind, token="aws:iam/rolePolicyAttachment:RolePolicyAttachment", replaces=["role", "policyArn"]
):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        aws.api("iam").attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
        return f"{inputs['role']}/{inputs['policyArn']}", {}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = aws.api("iam").list_attached_role_policies(RoleName=known["role"])["AttachedPolicies"]
        return {} if known["policyArn"] in {one["PolicyArn"] for one in found} else None

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("iam").detach_role_policy(RoleName=known["role"], PolicyArn=known["policyArn"])

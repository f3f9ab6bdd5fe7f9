"""The training image: built on AWS by CodeBuild, so that nobody needs Docker, once for each content.

How it is built is in the archive, as `buildspec.yml`: it makes and pushes `$IMAGE`.
"""

import json
from pathlib import Path
from typing import Final

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from infra.artifacts import Artifact
from infra.aws.policies import Statement
from infra.aws.roles import Ground, service_role
from infra.config import StackConfig

_BUILDER: Final = Path(__file__).with_name("image_builder.py")
_MINUTES: Final = 14
_KEPT_IMAGES: Final = 5
_PULL: Final = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_PUSH: Final = ("ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart")


def pull_statements(repository: Input[str]) -> list[Statement]:
    """Return what pulling a repository's images takes. Logging in is to the registry, which has no ARN."""
    return [Statement(_PULL, [repository]), Statement(["ecr:GetAuthorizationToken"], ["*"])]


class TrainingImage(pulumi.ComponentResource):
    """A repository, what builds the image into it, and the image of the archive's digest.

    Attributes:
        uri: of the image; known when it has been built.
        repository: the repository's ARN.
    """

    uri: Output[str]
    repository: Output[str]

    def __init__(self, ground: Ground, config: StackConfig, context: Artifact) -> None:
        name = ground.place.named("training")
        super().__init__("loopwright:aws:TrainingImage", name)
        self._name, self._ground, self._config = name, ground, config
        self._child = ResourceOptions(parent=self)
        self._made = self._repository()
        self.repository = self._made.arn
        tag = context.digest[:32]
        project, ready = self._project(tag, self._uploaded(context, tag))
        self.uri = self._built(project, tag, ready)
        self.register_outputs({"uri": self.uri})

    def _repository(self) -> aws.ecr.Repository:
        repository = aws.ecr.Repository(
            self._name,
            name=self._name,
            image_tag_mutability="IMMUTABLE",
            force_delete=True,  # what is in it can be built again
            image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
            encryption_configurations=[aws.ecr.RepositoryEncryptionConfigurationArgs(encryption_type="AES256")],
            opts=self._child,
        )
        old = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": _KEPT_IMAGES}
        rule = {"rulePriority": 1, "selection": old, "action": {"type": "expire"}}
        aws.ecr.LifecyclePolicy(
            self._name, repository=repository.name, policy=json.dumps({"rules": [rule]}), opts=self._child
        )
        return repository

    def _uploaded(self, context: Artifact, tag: str) -> aws.s3.BucketObjectv2:
        return aws.s3.BucketObjectv2(
            self._name,
            bucket=self._ground.storage.bucket.bucket,
            key=f"packages/training-{tag}.zip",
            source=pulumi.FileAsset(str(context.path)),
            opts=self._child,
        )

    def _log(self, name: str, path: str) -> aws.cloudwatch.LogGroup:
        days = self._config.retention_days
        return aws.cloudwatch.LogGroup(name, name=path, retention_in_days=days, opts=self._child)

    def _project(self, tag: str, archive: aws.s3.BucketObjectv2) -> tuple[aws.codebuild.Project, aws.iam.RolePolicy]:
        bucket, image = self._ground.storage.bucket, Output.concat(self._made.repository_url, ":", tag)
        log = self._log(f"{self._name}-build", f"/aws/codebuild/{self._name}")
        statements = [
            *pull_statements(self._made.arn),
            Statement(_PUSH, [self._made.arn]),
            Statement(["s3:GetObject", "s3:GetObjectVersion"], [self._ground.storage.objects("packages/")]),
            Statement(["logs:CreateLogStream", "logs:PutLogEvents"], [Output.concat(log.arn, ":*")]),
        ]
        role, policy = service_role(self._ground.place, "build", "codebuild.amazonaws.com", statements, self)
        arm = self._config.architecture == "arm64"
        system = "aarch64-standard:3.0" if arm else "x86_64-standard:5.0"
        project = aws.codebuild.Project(
            self._name,
            name=self._name,
            service_role=role.arn,
            build_timeout=_MINUTES,
            artifacts=aws.codebuild.ProjectArtifactsArgs(type="NO_ARTIFACTS"),
            source=aws.codebuild.ProjectSourceArgs(type="S3", location=Output.concat(bucket.bucket, "/", archive.key)),
            environment=aws.codebuild.ProjectEnvironmentArgs(
                type="ARM_CONTAINER" if arm else "LINUX_CONTAINER",
                compute_type="BUILD_GENERAL1_SMALL",
                image=f"aws/codebuild/amazonlinux-{system}",
                privileged_mode=True,  # Docker wants it
                environment_variables=[
                    aws.codebuild.ProjectEnvironmentEnvironmentVariableArgs(name="IMAGE", value=image)
                ],
            ),
            logs_config=aws.codebuild.ProjectLogsConfigArgs(
                cloudwatch_logs=aws.codebuild.ProjectLogsConfigCloudwatchLogsArgs(group_name=log.name)
            ),
            opts=ResourceOptions(parent=self, depends_on=[policy]),
        )
        return project, policy

    def _built(self, project: aws.codebuild.Project, tag: str, ready: aws.iam.RolePolicy) -> Output[str]:
        """Call the function that has the image built and waits; its answer names the image."""
        builder = self._builder(project)
        request = {
            "project": project.name,
            "repository": self._made.name,
            "uri": self._made.repository_url,
            "tag": tag,
        }
        answer = aws.lambda_.Invocation(
            self._name,
            function_name=builder.name,
            input=Output.json_dumps(request),
            opts=ResourceOptions(parent=self, depends_on=[ready, project]),
        )
        return answer.result.apply(lambda text: str(json.loads(text)["image"]))

    def _builder(self, project: aws.codebuild.Project) -> aws.lambda_.Function:
        full = self._ground.place.named("image-builder")
        log = self._log(full, f"/aws/lambda/{full}")
        statements = [
            Statement(["codebuild:StartBuild", "codebuild:BatchGetBuilds"], [project.arn]),
            Statement(["ecr:BatchGetImage"], [self._made.arn]),
            Statement(["logs:CreateLogStream", "logs:PutLogEvents"], [Output.concat(log.arn, ":*")]),
        ]
        role, policy = service_role(self._ground.place, "image-builder", "lambda.amazonaws.com", statements, self)
        return aws.lambda_.Function(
            full,
            name=full,
            runtime=f"python{self._config.python_version}",
            handler=f"{_BUILDER.stem}.handler",
            code=pulumi.AssetArchive({_BUILDER.name: pulumi.FileAsset(str(_BUILDER))}),
            architectures=[self._config.architecture],
            memory_size=256,
            timeout=(_MINUTES + 1) * 60,
            role=role.arn,
            logging_config=aws.lambda_.FunctionLoggingConfigArgs(log_format="Text", log_group=log.name),
            opts=ResourceOptions(parent=self, depends_on=[policy]),
        )

"""What jobs run in: the training image, as a function, and in containers of SageMaker for what does not fit one."""

import re
from collections.abc import Mapping
from typing import Final

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from infra.artifacts import Artifacts
from infra.aws.functions import Function, Image
from infra.aws.image import TrainingImage, pull_statements
from infra.aws.policies import Statement
from infra.aws.roles import TRAINING_ROLE, Ground, service_role
from infra.spec import StackSpec

_PROJECT: Final = "/opt/loopwright/project"
_LOGS: Final = "/aws/sagemaker/TrainingJobs"
_ECR: Final = re.compile(r"(?P<account>\d+)\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[^/]+/(?P<name>[^:@]+)")


class Jobs(pulumi.ComponentResource):
    """The function of all jobs that fit one, and the role of the containers for those that do not.

    Attributes:
        function: runs jobs, called asynchronously.
        environment: what else those who start jobs must know, as variables of `Settings`.
    """

    function: Function
    environment: Mapping[str, Input[str]]

    def __init__(
        self, spec: StackSpec, artifacts: Artifacts, ground: Ground, environment: Mapping[str, Input[str]]
    ) -> None:
        super().__init__("loopwright:aws:Jobs", ground.place.named("jobs"))
        config = spec.config
        uri: Input[str]
        if config.image:
            uri, repository = config.image, _repository_of(config.image, ground)
        else:
            built = TrainingImage(ground, config, artifacts.image_context())
            uri, repository = built.uri, built.repository
        there = {**environment, "LOOPWRIGHT_PROJECT": _PROJECT}
        self.function = Function(spec.jobs, Image(uri), ground=ground, config=config, environment=there)
        variables: dict[str, Input[str]] = {"LOOPWRIGHT_AWS_JOB_FUNCTION": ground.place.named(spec.jobs.name)}
        if spec.containers:
            role = self._training_role(spec, ground, repository)
            variables |= {"LOOPWRIGHT_AWS_TRAINING_IMAGE": uri, "LOOPWRIGHT_AWS_TRAINING_ROLE": role.arn}
        self.environment = variables
        self.register_outputs({})

    def _training_role(self, spec: StackSpec, ground: Ground, repository: Input[str]) -> aws.iam.Role:
        """Make the role of a container: what the function of jobs may, besides what SageMaker itself does with it."""
        # The log is SageMaker's own, the same for all stacks of an account: no stack may set how long it is kept.
        logs = ground.place.arn("logs", f"log-group:{_LOGS}:*")
        namespace = {"StringEquals": {"cloudwatch:namespace": _LOGS}}
        statements = [
            *(one for permission in spec.jobs.permissions for one in ground.statements(permission)),
            *pull_statements(repository),
            Statement(["s3:PutObject"], [ground.storage.objects("jobs/")]),
            Statement(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], [logs]),
            # A metric has no ARN; its namespace stands for it.
            Statement(["cloudwatch:PutMetricData"], ["*"], conditions=namespace),
        ]
        role, _ = service_role(ground.place, TRAINING_ROLE, "sagemaker.amazonaws.com", statements, self)
        return role


def _repository_of(image: str, ground: Ground) -> Output[str]:
    """Return the ARN of the repository of a configured image; the configuration has checked that it is one of ECR."""
    found = _ECR.match(image)
    if found is None:
        raise ValueError(image)
    where = f":ecr:{found['region']}:{found['account']}:repository/{found['name']}"
    return Output.concat("arn:", ground.place.partition, where)

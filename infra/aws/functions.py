"""A function with its own role, log and environment, and the queues that call it."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from infra.aws.roles import Ground, function_role
from infra.config import StackConfig
from infra.spec import FunctionSpec, QueueFeed

LIVE = "live"


@dataclass(frozen=True, slots=True)
class Zip:
    """A package in the bucket: `key` changes with its content."""

    bucket: Input[str]
    key: Input[str]


@dataclass(frozen=True, slots=True)
class Image:
    """A container image in ECR."""

    uri: Input[str]


@dataclass(frozen=True, slots=True)
class Target:
    """How a function is called: as it is, or by the alias `live` (then `qualifier` is it)."""

    name: Output[str]
    qualifier: Output[str] | None
    arn: Output[str]
    invoke_arn: Output[str]


def handler(spec: FunctionSpec) -> str:
    """Return what is called of a function, as a dotted name."""
    return "adapters.aws.job_runner.handler" if spec.package == "training" else f"functions.{spec.name}.main.handler"


class Function(pulumi.ComponentResource):
    """One function.

    Attributes:
        spec: what it is made after.
        resource: itself.
        log: where it writes.
        target: how it is called: by an alias where instances are kept warm, or start from a snapshot.
    """

    spec: FunctionSpec
    resource: aws.lambda_.Function
    log: aws.cloudwatch.LogGroup
    target: Target

    def __init__(
        self,
        spec: FunctionSpec,
        code: Zip | Image,
        *,
        ground: Ground,
        config: StackConfig,
        environment: Mapping[str, Input[str]],
    ) -> None:
        self._name = ground.place.named(spec.name)
        super().__init__("loopwright:aws:Function", self._name)
        self.spec = spec
        self._ground = ground
        self.log = aws.cloudwatch.LogGroup(
            self._name,
            name=f"/aws/lambda/{self._name}",
            retention_in_days=config.retention_days,
            opts=ResourceOptions(parent=self),
        )
        self.resource = self._function(code, config, environment)
        self.target = self._alias() if spec.warm or spec.snapshot else self._itself()
        for feed in spec.feeds:
            self._feed(feed)
        if spec.is_asynchronous:
            self._catch_failures()
        self.register_outputs({"name": self.resource.name})

    def _function(
        self, code: Zip | Image, config: StackConfig, environment: Mapping[str, Input[str]]
    ) -> aws.lambda_.Function:
        spec = self.spec
        role, policy = function_role(self._ground, spec, self.log, self)
        zipped = isinstance(code, Zip)
        return aws.lambda_.Function(
            self._name,
            name=self._name,
            package_type="Zip" if zipped else "Image",
            s3_bucket=code.bucket if zipped else None,
            s3_key=code.key if zipped else None,
            runtime=f"python{config.python_version}" if zipped else None,
            handler=handler(spec) if zipped else None,
            image_uri=None if zipped else code.uri,
            architectures=[config.architecture],
            memory_size=spec.memory,
            timeout=int(spec.timeout.total_seconds()),
            role=role.arn,
            environment=aws.lambda_.FunctionEnvironmentArgs(variables=environment),
            logging_config=aws.lambda_.FunctionLoggingConfigArgs(log_format="Text", log_group=self.log.name),
            image_config=None if zipped else aws.lambda_.FunctionImageConfigArgs(commands=[handler(spec)]),
            publish=bool(spec.warm or spec.snapshot),
            snap_start=(aws.lambda_.FunctionSnapStartArgs(apply_on="PublishedVersions") if spec.snapshot else None),
            opts=ResourceOptions(parent=self, depends_on=[policy]),
        )

    def _itself(self) -> Target:
        made = self.resource
        return Target(made.name, None, made.arn, made.invoke_arn)

    def _alias(self) -> Target:
        """Call one published version by the name `live`: only versions are kept warm, or have snapshots."""
        child = ResourceOptions(parent=self.resource)
        alias = aws.lambda_.Alias(
            self._name,
            name=LIVE,
            function_name=self.resource.name,
            function_version=self.resource.version,
            opts=child,
        )
        if self.spec.warm:
            aws.lambda_.ProvisionedConcurrencyConfig(
                self._name,
                function_name=self.resource.name,
                qualifier=alias.name,
                provisioned_concurrent_executions=self.spec.warm,
                opts=child,
            )
        return Target(self.resource.name, alias.name, alias.arn, alias.invoke_arn)

    def _feed(self, feed: QueueFeed) -> None:
        aws.lambda_.EventSourceMapping(
            f"{self._name}-{feed.queue}",
            function_name=self.resource.name,
            event_source_arn=self._ground.messaging.queues[feed.queue].alive.arn,
            batch_size=feed.batch,
            maximum_batching_window_in_seconds=int(feed.wait.total_seconds()),
            function_response_types=["ReportBatchItemFailures"],
            scaling_config=aws.lambda_.EventSourceMappingScalingConfigArgs(maximum_concurrency=feed.calls),
            opts=ResourceOptions(parent=self.resource),
        )

    def _catch_failures(self) -> None:
        """Keep calls that failed for good although nobody waits for them."""
        destination = aws.lambda_.FunctionEventInvokeConfigDestinationConfigOnFailureArgs(
            destination=self._ground.messaging.failures.arn
        )
        aws.lambda_.FunctionEventInvokeConfig(
            self._name,
            function_name=self.resource.name,
            maximum_retry_attempts=2,
            maximum_event_age_in_seconds=3600,
            destination_config=aws.lambda_.FunctionEventInvokeConfigDestinationConfigArgs(on_failure=destination),
            opts=ResourceOptions(parent=self.resource),
        )

"""What jobs run in: one job of Cloud Run, and custom jobs of Vertex AI for what does not fit it, in the same image."""

from collections.abc import Mapping
from typing import Final

import pulumi
import pulumi_gcp as gcp
from pulumi import Input, ResourceOptions

from infra.gcp.roles import Account, Ground, acts_as
from infra.gcp.sizes import limits
from infra.spec import StackSpec

COMMAND: Final = ("python", "-m", "adapters.gcp.job_runner")
STARTS: Final = ("roles/run.jobsExecutorWithOverrides", "roles/run.viewer")
"""What starting a job and asking for its state takes, on that job."""

CUSTOM_JOBS: Final = ("aiplatform.customJobs.create", "aiplatform.customJobs.get")


class Jobs(pulumi.ComponentResource):
    """The job that runs all jobs, and the account of the containers for those that do not fit it.

    Attributes:
        job: each of its executions is a job of the loop's.
        environment: what else those who start jobs must know.
    """

    job: gcp.cloudrunv2.Job
    environment: Mapping[str, Input[str]]

    def __init__(
        self, spec: StackSpec, image: Input[str], ground: Ground, environment: Mapping[str, Input[str]]
    ) -> None:
        place = ground.place
        super().__init__("loopwright:gcp:Jobs", place.named("jobs"))
        self._spec, self._ground, self._containers = spec, ground, spec.containers
        account = ground.account(spec.jobs.name, spec.jobs.permissions, self)
        self.job = self._job(image, account, environment)
        variables: dict[str, Input[str]] = {"LOOPWRIGHT_GCP_JOB": place.named(spec.jobs.name)}
        if spec.containers:
            self._training = ground.account("training", spec.jobs.permissions, self).resource
            self._role = self._custom_role()
            variables |= {
                "LOOPWRIGHT_GCP_TRAINING_IMAGE": image,
                "LOOPWRIGHT_GCP_TRAINING_ACCOUNT": self._training.email,
            }
        self.environment = variables
        self.register_outputs({})

    def let_start(self, name: str, account: gcp.serviceaccount.Account) -> None:
        """Let a function start jobs."""
        place, child = self._ground.place, ResourceOptions(parent=account)
        for number, role in enumerate(STARTS):
            gcp.cloudrunv2.JobIamMember(
                place.named(f"{name}-jobs-{number}"),
                project=place.project,
                location=place.region,
                name=self.job.name,
                role=role,
                member=account.member,
                opts=child,
            )
        if self._containers:
            acts_as(place.named(f"{name}-training"), self._training, account.member, account)
            gcp.projects.IAMMember(
                place.named(f"{name}-custom-jobs"),
                project=place.project,
                role=self._role.name,
                member=account.member,
                opts=child,
            )

    def _job(self, image: Input[str], account: Account, environment: Mapping[str, Input[str]]) -> gcp.cloudrunv2.Job:
        spec, place = self._spec.jobs, self._ground.place
        container = gcp.cloudrunv2.JobTemplateTemplateContainerArgs(
            image=image,
            commands=list(COMMAND),
            resources=gcp.cloudrunv2.JobTemplateTemplateContainerResourcesArgs(limits=limits(spec.memory, spec.cpu)),
            envs=[
                gcp.cloudrunv2.JobTemplateTemplateContainerEnvArgs(name=name, value=value)
                for name, value in environment.items()
            ],
        )
        return gcp.cloudrunv2.Job(
            place.named(spec.name),
            project=place.project,
            location=place.region,
            name=place.named(spec.name),
            deletion_protection=False,
            template=gcp.cloudrunv2.JobTemplateArgs(
                parallelism=1,
                task_count=1,
                template=gcp.cloudrunv2.JobTemplateTemplateArgs(
                    service_account=account.resource.email,
                    execution_environment="EXECUTION_ENVIRONMENT_GEN2",
                    max_retries=0,  # a job knows by itself whether it goes on from where it was
                    timeout=f"{spec.timeout.total_seconds():g}s",
                    containers=[container],
                ),
            ),
            opts=ResourceOptions(parent=self, depends_on=account.grants),
        )

    def _custom_role(self) -> gcp.projects.IAMCustomRole:
        """Make a role for starting custom jobs: Google's own may do anything to everything of Vertex AI."""
        place = self._ground.place
        return gcp.projects.IAMCustomRole(
            place.named("custom-jobs"),
            project=place.project,
            role_id=f"{place.prefix}_custom_jobs".replace("-", "_"),
            title=f"{place.prefix}: start custom jobs",
            permissions=list(CUSTOM_JOBS),
            opts=ResourceOptions(parent=self),
        )

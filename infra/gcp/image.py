"""The image that functions and jobs run: built on Google Cloud by Cloud Build, so that nobody needs Docker."""

from pathlib import Path
from typing import Final

import pulumi
import pulumi_gcp as gcp
from pulumi import Output, ResourceOptions

from infra.artifacts import Artifact
from infra.gcp.roles import Ground, acts_as, new_account
from infra.gcp.sizes import limits

BUILDER: Final = "image-builder"
_SCRIPT: Final = Path(__file__).with_name("image_builder.py")
PYTHON: Final = "docker.io/library/python:3.13-slim"
"""What asks for the build runs in: of all registries but Google's own Cloud Run knows this one alone."""

_KEPT_IMAGES: Final = 5
_OLD: Final = "2592000s"


class BuiltImage(pulumi.ComponentResource):
    """A repository, what builds the image into it, and the image of the archive's digest.

    Attributes:
        uri: of the image; known when it has been built.
    """

    uri: Output[str]

    def __init__(self, ground: Ground, context: Artifact) -> None:
        name = ground.place.named("image")
        super().__init__("loopwright:gcp:BuiltImage", name)
        self._name, self._ground, self._child = name, ground, ResourceOptions(parent=self)
        self._repository = self._made_repository()
        tag = context.digest[:32]
        uri = Output.concat(
            f"{ground.place.region}-docker.pkg.dev/{ground.place.project}/",
            self._repository.repository_id,
            f"/loopwright:{tag}",
        )
        job = self._builder(uri, self._uploaded(context, tag))
        self.uri = Output.all(uri, job.id).apply(lambda both: str(both[0]))
        self.register_outputs({"uri": self.uri})

    def _made_repository(self) -> gcp.artifactregistry.Repository:
        """Make the repository. Its tags are digests of what is in them, and only the build may push.

        Tags that nobody could move would keep every image for ever: what cleans up cannot delete them either.
        """
        place = self._ground.place
        newest = gcp.artifactregistry.RepositoryCleanupPolicyMostRecentVersionsArgs(keep_count=_KEPT_IMAGES)
        old = gcp.artifactregistry.RepositoryCleanupPolicyConditionArgs(tag_state="ANY", older_than=_OLD)
        return gcp.artifactregistry.Repository(
            self._name,
            project=place.project,
            location=place.region,
            repository_id=place.prefix,
            format="DOCKER",
            description=f"what {place.prefix} runs",
            cleanup_policies=[
                gcp.artifactregistry.RepositoryCleanupPolicyArgs(
                    id="newest", action="KEEP", most_recent_versions=newest
                ),
                gcp.artifactregistry.RepositoryCleanupPolicyArgs(id="old", action="DELETE", condition=old),
            ],
            opts=self._child,
        )

    def _uploaded(self, context: Artifact, tag: str) -> gcp.storage.BucketObject:
        return gcp.storage.BucketObject(
            self._name,
            bucket=self._ground.storage.bucket.name,
            name=f"packages/image-{tag}{context.path.suffix}",
            source=pulumi.FileAsset(str(context.path)),
            opts=self._child,
        )

    def _builder(self, uri: Output[str], archive: gcp.storage.BucketObject) -> gcp.cloudrunv2.Job:
        """Make the job that has the image built. It runs, and is waited for, once for every archive.

        The token becomes a part of the execution's name. Who goes back to what the code was before uploads the same
        archive again, under another generation: a name of its content alone would be taken.
        """
        place, build = self._ground.place, self._build_account()
        account = new_account(place, BUILDER, "what has the image built", self)
        variables = {
            "PROJECT": place.project,
            "REGION": place.region,
            "BUCKET": archive.bucket,
            "OBJECT": archive.name,
            "IMAGE": uri,
            "ACCOUNT": build.email,
        }
        reader = self._on_repository(BUILDER, "roles/artifactregistry.reader", account)
        starter = self._on_project(BUILDER, "roles/cloudbuild.builds.editor", account)
        actor = acts_as(place.named("image-builder-build"), build, account.member, account)
        container = gcp.cloudrunv2.JobTemplateTemplateContainerArgs(
            image=PYTHON,
            commands=["python", "-c", _SCRIPT.read_text("utf-8")],
            resources=gcp.cloudrunv2.JobTemplateTemplateContainerResourcesArgs(limits=limits(512)),
            envs=[
                gcp.cloudrunv2.JobTemplateTemplateContainerEnvArgs(name=name, value=value)
                for name, value in variables.items()
            ],
        )
        return gcp.cloudrunv2.Job(
            place.named(BUILDER),
            project=place.project,
            location=place.region,
            name=place.named(BUILDER),
            run_execution_token=archive.generation.apply(str),
            deletion_protection=False,
            template=gcp.cloudrunv2.JobTemplateArgs(
                template=gcp.cloudrunv2.JobTemplateTemplateArgs(
                    service_account=account.email, max_retries=0, timeout="3900s", containers=[container]
                )
            ),
            opts=ResourceOptions(parent=self, depends_on=[reader, starter, actor]),
        )

    def _build_account(self) -> gcp.serviceaccount.Account:
        """Make what the build runs as: it reads the archive, writes the image and its log, and does nothing else."""
        account = new_account(self._ground.place, "build", "what the build of the image runs as", self)
        self._ground.objects("build-packages", "packages/", account, writes=False)
        self._on_repository("build", "roles/artifactregistry.writer", account)
        self._on_project("build", "roles/logging.logWriter", account)
        return account

    def _on_repository(
        self, name: str, role: str, account: gcp.serviceaccount.Account
    ) -> gcp.artifactregistry.RepositoryIamMember:
        place = self._ground.place
        return gcp.artifactregistry.RepositoryIamMember(
            place.named(f"{name}-repository"),
            project=place.project,
            location=place.region,
            repository=self._repository.name,
            role=role,
            member=account.member,
            opts=ResourceOptions(parent=account),
        )

    def _on_project(self, name: str, role: str, account: gcp.serviceaccount.Account) -> gcp.projects.IAMMember:
        place = self._ground.place
        return gcp.projects.IAMMember(
            place.named(name),
            project=place.project,
            role=role,
            member=account.member,
            opts=ResourceOptions(parent=account),
        )

"""What Pulumi starts; the pack serves from then on, and this never returns."""

from pulumi_policy import PolicyPack

from infra.policy.policies import POLICIES

PolicyPack("loopwright", POLICIES)

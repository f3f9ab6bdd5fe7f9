"""The stand-in for Pulumi's provider: nothing is dropped without a word, and nothing but this machine is touched."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.pulumi.provider.aws.kinds import Aws
from tests.pulumi.provider.aws.lookups import look_up
from tests.pulumi.provider.aws.policies import as_known, put_here
from tests.pulumi.provider.cloud import cloud_named
from tests.pulumi.provider.gcp.kinds import Google, Resource
from tests.pulumi.provider.inputs import Inputs
from tests.pulumi.provider.kinds import KINDS, UnknownKindError, kind
from tests.pulumi.provider.wire import Asset, comparable, is_secret, plain, rewrapped, secret

ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
SIGNATURE = "4dabf18193072939515e22adb298388d"


def test_what_was_not_looked_at_is_known_by_its_path() -> None:
    inputs = Inputs({"name": "q", "ttl": {"enabled": True, "unit": "s"}, "rules": [{"id": 1, "more": 2}], "tags": {}})
    assert inputs["name"] == "q"
    assert inputs.part("ttl").get("enabled")
    assert [rule["id"] for rule in inputs.parts("rules")] == [1]
    assert inputs.unseen() == ["tags", "ttl.unit", "rules[0].more"]


def test_a_value_that_is_taken_whole_is_looked_at_with_all_that_is_in_it() -> None:
    inputs = Inputs({"target": {"arn": "a", "retryPolicy": {"maximumRetryAttempts": 3}}})
    assert inputs.pascal("target") == {"Target": {"Arn": "a", "RetryPolicy": {"MaximumRetryAttempts": 3}}}
    assert inputs.unseen() == []


def test_secrets_are_bare_inside_and_wrapped_again_outside() -> None:
    raw = {"text": secret("hush"), "plain": "open", "list": [secret("one"), "two"]}
    bare: dict[str, Any] = {name: plain(value) for name, value in raw.items()}
    assert bare == {"text": "hush", "plain": "open", "list": ["one", "two"]}
    assert rewrapped(bare, raw) == raw
    assert rewrapped({"text": "another"}, raw) == {"text": secret("another")}
    assert is_secret(raw["list"])
    assert not is_secret(raw["plain"])


def test_files_are_the_same_where_their_content_is(tmp_path: Path) -> None:
    one, two = ({SIGNATURE: ARCHIVE, "path": str(tmp_path / name), "hash": "d1"} for name in ("a", "b"))
    assert comparable(one) == comparable(two)
    assert comparable(one) != comparable({**one, "hash": "d2"})


def test_an_archive_is_all_the_files_in_it(tmp_path: Path) -> None:
    (tmp_path / "kept.py").write_text("pass")
    inner = {"assets": {"text.txt": {"text": "said"}}}
    archive = Asset({"assets": {"kept.py": {"path": str(tmp_path / "kept.py")}, "folder": inner}})
    assert dict(archive.files()) == {"kept.py": b"pass", "folder/text.txt": b"said"}


@pytest.mark.parametrize("endpoint", ["https://sqs.eu-central-1.amazonaws.com", "http://127.0.0.1.example.org"])
def test_an_aws_elsewhere_is_refused(endpoint: str) -> None:
    with pytest.raises(ValueError, match="on this machine only"):
        Aws(endpoint, "eu-central-1")


def test_types_and_questions_that_nobody_knows_are_errors() -> None:
    with pytest.raises(UnknownKindError, match="redshift"):
        kind("aws:redshift/cluster:Cluster")
    with pytest.raises(UnknownKindError, match="getZones"):
        look_up("aws:route53/getZones:getZones", Aws("http://127.0.0.1:1", "eu-central-1"), {})


def test_a_policy_keeps_all_but_the_demand_for_tls() -> None:
    demand = {"Effect": "Deny", "Action": ["s3:*"], "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    grant = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::b/*"]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [demand, grant]})
    refused, allowed = json.loads(put_here(policy))["Statement"]
    assert allowed == grant
    assert refused["Condition"] != demand["Condition"]
    assert as_known(put_here(policy), policy) == policy
    assert json.loads(as_known(json.dumps({"Statement": [grant]}), policy)) == {"Statement": [grant]}


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_every_type_can_be_made_read_and_taken_away(cloud: str) -> None:
    cloud_named(cloud).load()
    own = [token for token in KINDS if token.startswith(f"{cloud}:")]
    assert len(own) > 30
    assert [kind(token).token for token in own] == own


def test_a_google_elsewhere_is_refused() -> None:
    with pytest.raises(ValueError, match="on this machine only"):
        Google("https://storage.googleapis.com", "p", "r")


def test_a_question_to_google_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(UnknownKindError, match="getZones"):
        cloud_named("gcp").look_up("gcp:dns/getZones:getZones", Google("http://127.0.0.1:1", "p", "r"), {})


def test_what_a_part_of_a_service_has_that_nobody_reads_is_known() -> None:
    cloud_named("gcp").load()
    template = {"containers": [{"image": "i", "envs": [{"name": "A", "value": "b", "more": 1}]}], "volumes": [{}]}
    inputs = Inputs({"name": "s", "template": template, "traffics": []})
    service = kind("gcp:cloudrunv2/service:Service")
    assert isinstance(service, Resource)
    found = service.body(Google("http://127.0.0.1:1", "p", "r"), inputs)
    assert found["template"]["containers"] == [{"image": "i", "env": [{"name": "A", "value": "b"}]}]
    assert inputs.unseen() == ["name", "traffics", "template.volumes", "template.containers[0].envs[0].more"]

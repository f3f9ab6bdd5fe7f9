"""Pulumi.yaml and the program agree on every key, and a wrong value is named with what is allowed."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pulumi
import pytest
import yaml

from infra.config import ONLY, read_config
from infra.limits import Cloud
from infra.program import main
from loopwright.errors import DefinitionError
from tests.infra.stacks import GOOGLE_IMAGE, IMAGE, ROOT, configured, run

FILE = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
SCHEMA: Mapping[str, Mapping[str, Any]] = {key: told for key, told in FILE["config"].items() if ":" not in key}
TYPES = {"string": str, "integer": int, "boolean": bool}

KEY = "0123456789abcdef" * 2

WRONG = [
    ({"provider": "azure"}, "provider=azure: use one of aws, gcp"),
    ({"auth": "none"}, "auth=none: use one of iam, apikey, jwt, public-without-any-check"),
    ({"auth": "public"}, "auth=public: use one of"),
    ({"architecture": "x86"}, "architecture=x86: use one of x86_64, arm64"),
    ({"pythonVersion": "3.11"}, "pythonVersion=3.11: use one of 3.12, 3.13"),
    ({"predictMemory": "128"}, "predictMemory=128: use a whole number from 256 to 10240"),
    ({"apiMemory": "1.5"}, "apiMemory=1.5: use a whole number"),
    ({"collectMemory": "-1"}, "collectMemory=-1: use a whole number"),
    ({"snapStart": "yes"}, "snapStart=yes: use one of true, false"),
    ({"snapStart": "true", "provisionedConcurrency": "1"}, "only one of the two"),
    ({"retentionDays": "8"}, "retentionDays=8: use one of 1, 3, 5, 7, 14"),
    ({"auth": "jwt"}, "jwtIssuer=''"),
    ({"auth": "jwt", "jwtIssuer": "http://x/", "jwtAudience": "a"}, "wants an https:// address"),
    ({"auth": "jwt", "jwtIssuer": "https://x/"}, "jwtAudience=''"),
    ({"image": "docker.io/someone/image:1"}, "image=docker.io/someone/image:1"),
    ({"monthlyBudget": "10"}, "set alarmEmail too"),
    ({"provider": "gcp", "snapStart": "true"}, "snapStart is set, and only aws has it: `pulumi config rm snapStart`"),
    ({"provider": "gcp", "architecture": "arm64"}, "architecture is set, and only aws has it"),
    ({"vertex": "true"}, "vertex is set, and only gcp has it"),
    ({"maxInstances": "3"}, "maxInstances is set, and only gcp has it"),
    ({"billingAccount": "A-B-C"}, "billingAccount is set, and only gcp has it"),
    ({"auth": "apikey", "apiKey": KEY}, "apiKey is set, and only gcp has it"),
    ({"apiKeys": f"alice:{KEY}"}, "apiKeys is set, and auth=iam asks for none"),
    ({"auth": "apikey", "apiKeys": "alice:short"}, "apiKeys: wanted <name>:<key of 32 characters or more>"),
    ({"auth": "apikey", "apiKeys": f"alice:{KEY},alice:{KEY}"}, "each once and none 'apikey'; 2 is none"),
    ({"auth": "apikey", "apiKeys": f"apikey:{KEY}"}, "none 'apikey'; 1 is none"),
    ({"provider": "gcp", "auth": "apikey"}, 'pulumi config set --secret apiKey "$(openssl rand -hex 32)"'),
    ({"provider": "gcp", "auth": "apikey", "apiKey": "a" * 31}, "a key of 32 characters or more"),
    ({"provider": "gcp", "image": IMAGE}, "gcp runs only an image of Artifact Registry"),
    ({"image": GOOGLE_IMAGE}, "aws runs only an image of ECR"),
    ({"provider": "gcp", "apiMemory": "256"}, "apiMemory=256: use a whole number from 512 to 32768"),
    ({"provider": "gcp", "retentionDays": "3651"}, "retentionDays=3651: use a whole number from 1 to 3650"),
    ({"provider": "gcp", "monthlyBudget": "10", "alarmEmail": "a@example.org"}, "set billingAccount too"),
    ({"provider": "gcp", "provisionedConcurrency": "3", "maxInstances": "2"}, "as many as are kept warm there must be"),
]


class Recorder:
    """Notes which keys the program asks for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def get(self, key: str) -> str | None:
        self.asked.add(key)
        return None


def written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_every_key_that_is_read_is_in_the_schema_and_every_key_there_is_read() -> None:
    recorder = Recorder()
    read_config(recorder, stack="dev", root=ROOT)
    assert recorder.asked == set(SCHEMA)


def test_the_defaults_of_the_schema_are_those_of_the_program() -> None:
    defaults = {key: written(told["default"]) for key, told in SCHEMA.items()}
    assert configured(**defaults) == configured()


@pytest.mark.parametrize("key", SCHEMA)
def test_a_key_has_a_type_a_default_of_it_and_a_description(key: str) -> None:
    told = SCHEMA[key]
    assert set(told) == {"type", "default", "description"}
    assert type(told["default"]) is TYPES[told["type"]]
    assert told["description"].endswith(".")


def test_keys_of_the_provider_carry_a_value_only() -> None:
    others = {key: told for key, told in FILE["config"].items() if ":" in key}
    assert set(others) == {"aws:region", "gcp:region"}
    assert all(set(told) == {"value"} for told in others.values())


def test_the_program_is_where_the_file_says() -> None:
    assert FILE["name"] == "loopwright"
    assert (ROOT / FILE["main"] / "__main__.py").is_file()
    assert FILE["runtime"] == {"name": "python", "options": {"virtualenv": ".venv"}}


@pytest.mark.parametrize(
    ("values", "message"), WRONG, ids=[" ".join(one[0]) + f" {number}" for number, one in enumerate(WRONG)]
)
def test_a_wrong_value_is_named_with_what_is_allowed(values: dict[str, str], message: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        configured(**values)
    assert message in str(caught.value)


def test_what_is_configured_is_what_the_program_gets() -> None:
    config = configured(project="examples/other", snapStart="true", predictMemory="3008", image=IMAGE, protect="false")
    assert config.folder == ROOT / "examples/other"
    assert (config.snap_start, config.protect, config.memory.predict) == (True, False, 3008)
    assert config.image == IMAGE


def test_a_key_is_not_told_by_who_refuses_it_nor_by_what_is_printed() -> None:
    with pytest.raises(DefinitionError) as caught:
        configured(auth="apikey", apiKey=KEY)
    assert KEY not in str(caught.value)
    assert KEY not in repr(configured(provider="gcp", auth="apikey", apiKey=KEY))


@pytest.mark.parametrize("provider", get_args(Cloud))
def test_a_key_that_only_one_provider_has_may_have_its_default_everywhere(provider: str) -> None:
    # Pulumi fills in the defaults of the schema.
    defaults = {key: written(told["default"]) for key, told in SCHEMA.items()}
    assert configured(**{**defaults, "provider": provider}) == configured(provider=provider)


def test_keys_that_only_one_provider_has_say_so_to_people() -> None:
    for key, provider in ONLY.items():
        assert f"on {provider}" in SCHEMA[key]["description"].replace("On ", "on "), key


def test_a_wrong_configuration_stops_the_program_with_its_message_alone() -> None:
    with pytest.raises(pulumi.RunError, match="auth=none: use one of iam"):
        run(main, {"loopwright:auth": "none"})


def described() -> Iterator[str]:
    yield from (told["description"] for told in SCHEMA.values())


@pytest.mark.parametrize("key", SCHEMA)
def test_the_readme_has_every_key_as_the_schema_has_it(key: str) -> None:
    default = written(SCHEMA[key]["default"])
    row = f"| `{key}` | {f'`{default}`' if default else ''} | {SCHEMA[key]['description']} |"
    assert row in (ROOT / "README.md").read_text("utf-8")


def test_no_two_keys_are_described_alike() -> None:
    assert len(set(described())) == len(SCHEMA)


def test_the_example_project_is_the_default() -> None:
    assert (configured().folder / "project.py").is_file()
    assert configured().folder.is_relative_to(Path(ROOT))

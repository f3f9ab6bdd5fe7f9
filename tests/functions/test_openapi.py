from dataclasses import replace

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from adapters import open_platform
from functions.schemas import example, field_schema
from functions.up import create_app
from loopwright.definitions import Field, Gate, Label, Project
from loopwright.features.validation import parse_rows
from loopwright.ports import Platform
from loopwright.serving.predictor import Predictor
from loopwright.settings import Settings
from tests.airport import world
from tests.airport.caller import Caller


@pytest.fixture(scope="module")
def document() -> dict:
    """The document of all functions together, for models of every task."""
    delays = world.delays()
    minutes = replace(
        delays,
        name="minutes",
        task="regression",
        metrics=(),
        gate=Gate("rmse"),
        label=Label("minutes"),
        views=(),
        features=("distance",),
    )
    reasons = replace(delays, name="reasons", task="multiclass", metrics=(), gate=Gate("accuracy"), label=Label("why"))
    project = Project("airport", (delays, minutes, reasons))
    platform = open_platform(Settings(provider="memory"))
    return Caller(create_app(platform, project, Predictor(platform, project))).get("/openapi.json").body


def test_the_document_is_valid(document: dict) -> None:
    OpenAPIV31SpecValidator(document).validate()


def test_every_example_of_a_body_is_valid_by_its_own_schema(document: dict) -> None:
    checked = 0
    for operations in document["paths"].values():
        for operation in operations.values():
            if "requestBody" in operation:
                media = operation["requestBody"]["content"]["application/json"]
                jsonschema.validate(media["example"], media["schema"])
                checked += 1
    assert checked == 11  # predict, labels and retrain of three models, push and read of one view


def test_the_example_of_a_prediction_is_answered_as_the_document_says(platform: Platform, document: dict) -> None:
    world.crown(platform, world.register(platform))
    caller = Caller(create_app(platform, world.project(), Predictor(platform, world.project())))
    operation = document["paths"]["/models/delays/predict"]["post"]
    answer = caller.post("/models/delays/predict", operation["requestBody"]["content"]["application/json"]["example"])
    assert answer.status == 200
    jsonschema.validate(answer.body, operation["responses"]["200"]["content"]["application/json"]["schema"])


@pytest.mark.parametrize(
    "field",
    [
        Field("x"),
        Field("x", nullable=True, minimum=3),
        Field("x", maximum=-3),
        Field("x", minimum=2, maximum=5, description="How much."),
        Field("x", "int", minimum=2, maximum=5),
        Field("x", "bool"),
        Field("x", "string"),
        Field("x", "string", categories=("red", "blue")),
        Field("x", "time", nullable=True),
    ],
)
def test_a_field_has_an_example_that_schema_and_validation_accept(field: Field) -> None:
    jsonschema.validate(example(field), field_schema(field))
    assert parse_rows([field], [{"x": example(field)}])


def test_what_is_served_although_it_is_unusual_is_said_in_words() -> None:
    assert field_schema(Field("x", minimum=0, maximum=9))["description"] == "Valid from 0 to 9."
    assert field_schema(Field("x", minimum=0))["description"] == "Valid from 0."
    assert field_schema(Field("x", maximum=9))["description"] == "Valid up to 9."
    assert field_schema(Field("x", "string", categories=("red",)))["description"] == "Known values: red."

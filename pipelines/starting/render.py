"""The files of a new project, as text that a person goes on with."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from string import Template
from typing import Final

from loopwright.definitions import Field
from loopwright.definitions.model import METRICS, SMALLER_IS_BETTER, Task
from pipelines.starting.survey import Survey

_PROJECT: Final = Template('''\
"""Predicts `$label` from $file. `loopwright init` wrote this file once; it is yours to edit."""

from datetime import timedelta
from typing import TYPE_CHECKING

from loopwright import (
    DataQuality,
    Drift,
    Entity,
    Field,
    Gate,
    Label,
    Model,
    Monitors,
    Performance,
    Project,
    TrainingContext,
    Triggers,
)

if TYPE_CHECKING:
    import pandas as pd

# What one prediction is about.
entity = Entity("$entity", keys=($key,))

# What a request carries. Types, ranges and categories are those of the file: correct them where you know better.
# A value out of range or an unknown category is answered all the same, and counted as a data quality problem.
REQUEST = (
$request
)

TEXT = $text


def train(features: "pd.DataFrame", target: "pd.Series", context: TrainingContext) -> object:
    """Fit gradient boosting on histograms, with texts as ordinal numbers. Any scikit-learn estimator will do."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import $estimator
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    numbers = [name for name in features.columns if name not in TEXT]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = make_column_transformer((encoder, list(TEXT)), ("passthrough", numbers))
    boosting = $estimator(random_state=context.seed, early_stopping=False, **context.parameters)
    return make_pipeline(columns, boosting).fit(features, target)


model = Model(
    name="$model",
    task="$task",
    entity=entity,
    label=Label("$label"$positive),
    observations="$table",
    event_time="$time",
    request=REQUEST,
    features=tuple(field.name for field in REQUEST),
    train=train,
    parameters={"max_iter": 100, "learning_rate": 0.1, "min_samples_leaf": 20},
    # The newest fifth of the file is held out: on it a candidate is judged beside the champion.
    holdout=$holdout,
    # A candidate must be better than the champion, and that must be no accident; `minimum` sets a bound of your own.
    gate=Gate(metric="$metric", minimum=$minimum, margin=0.0, minimum_rows=$minimum_rows),
    monitors=Monitors(
        drift=Drift(threshold=0.2, window=timedelta(days=7), minimum_rows=200),
        quality=DataQuality(maximum_null_share=$null_share),
        performance=Performance("$metric", maximum_drop=$drop, minimum_labels=100),
    ),
    triggers=Triggers(every=timedelta(days=30), cooldown=timedelta(days=7)),
)

project = Project("$project", models=(model,))
''')

_README: Final = Template("""\
# $project

Predicts `$label` from `$file`. `project.py` says all there is to say: the fields, the training function, the gate, what
is watched and what starts a retraining. Edit it; `loopwright doctor` says whether it still fits together.

    loopwright train --project .        # train, judge, register, promote
    loopwright up --project .           # serve it, watch it, retrain it
    curl -s localhost:8080/models/$model/predict -H 'content-type: application/json' -d @example.json
    curl -s localhost:8080/models/$model/labels -H 'content-type: application/json' \\
      -d '{"labels": [{"id": "<an id from the answer>", "label": $truth}]}'
    loopwright status --project .       # the loop at a glance

New cases of the past go into the same table: `loopwright ingest more.csv $table --project .`

The columns of the file:

| column | what it became |
|---|---|
$columns
""")

_ESTIMATORS: Final[Mapping[Task, str]] = {
    "binary": "HistGradientBoostingClassifier",
    "multiclass": "HistGradientBoostingClassifier",
    "regression": "HistGradientBoostingRegressor",
}

_LIMIT: Final = 118


def project_text(found: Survey, *, project: str, model: str, entity: str, table: str, file: str) -> str:
    """Return the `project.py`; `entity` is the name of the entity, its key is what was found."""
    key = Field(found.key.name, found.key.dtype)
    metric = METRICS[found.target.task][0]
    fields = [field for _, field in found.features]
    return _PROJECT.substitute(
        project=project,
        model=model,
        entity=entity,
        table=table,
        file=file,
        label=found.target.column.name,
        time=found.time.name,
        task=found.target.task,
        key=field_text(key),
        request="\n".join(f"    {_wrapped(field_text(field), indent=4)}," for field in fields),
        text=_tuple_text([field.name for field in fields if field.dtype == "string"]),
        positive=f", positive={json.dumps(found.target.positive)}" if found.target.positive is not None else "",
        estimator=_ESTIMATORS[found.target.task],
        holdout=_duration(found.span.holdout),
        metric=metric,
        minimum="0.5" if metric == "roc_auc" else "None",
        minimum_rows=max(20, min(500, found.span.holdout_rows // 2)),
        null_share="0.05" if not any(field.nullable for field in fields) else "0.5",
        drop=f"{found.target.spread / 10:.3g}" if metric in SMALLER_IS_BETTER else "0.05",
    )


def readme_text(found: Survey, *, project: str, model: str, table: str, file: str) -> str:
    """Return the README."""
    rows = [
        (found.key.source, f"the entity's key `{found.key.name}`"),
        (found.time.source, "the moment at which a prediction is due"),
        (found.target.column.source, f"the label `{found.target.column.name}` ({found.target.task})"),
        *((column.source, f"the feature `{field.name}`, {field.dtype}") for column, field in found.features),
        *((name, f"left out: {why}") for name, why in found.left_out),
    ]
    return _README.substitute(
        project=project,
        model=model,
        table=table,
        file=file,
        label=found.target.column.name,
        truth="12.5" if found.target.task == "regression" else "1" if found.target.task == "binary" else '"<class>"',
        columns="\n".join(f"| {name} | {what} |" for name, what in rows),
    )


def example_text(rows: Sequence[Mapping[str, object]]) -> str:
    """Return a request's body."""
    return json.dumps({"rows": list(rows)}, indent=2) + "\n"


def field_text(field: Field) -> str:
    """Return a field as Python."""
    parts = [json.dumps(field.name), json.dumps(field.dtype)]
    if field.nullable:
        parts.append("nullable=True")
    for name, bound in (("minimum", field.minimum), ("maximum", field.maximum)):
        if bound is not None:
            parts.append(f"{name}={bound:.0f}" if bound.is_integer() and abs(bound) < 1e15 else f"{name}={bound!r}")  # noqa: PLR2004
    if field.categories:
        parts.append(f"categories={_tuple_text(field.categories)}")
    return f"Field({', '.join(parts)})"


def _tuple_text(values: Sequence[str]) -> str:
    listed = ", ".join(json.dumps(value, ensure_ascii=False) for value in values)
    return f"({listed},)" if len(values) == 1 else f"({listed})"


def _wrapped(text: str, *, indent: int) -> str:
    """Return a field with one argument a line if it is too long for one line."""
    if len(text) + indent <= _LIMIT:
        return text
    head, _, categories = text.partition(", categories=")
    return f"{head},\n{' ' * (indent + 4)}categories={categories[:-1]},\n{' ' * indent})"


def _duration(value: timedelta) -> str:
    seconds = round(value.total_seconds())
    if seconds % 86_400 == 0:
        return f"timedelta(days={seconds // 86_400})"
    return f"timedelta(hours={seconds // 3600})" if seconds % 3600 == 0 else f"timedelta(seconds={seconds})"

"""The project that the serving benchmarks run: 20 mixed features, 16 of them sent, four looked up by customer."""

from datetime import timedelta

from loopwright.definitions import Entity, FeatureView, Field, Gate, Label, Model, Project, TrainingContext

COLOURS = ("red", "green", "blue", "black", "white", "grey")
NUMBERS = tuple(f"n{index}" for index in range(12))
WORDS = tuple(f"w{index}" for index in range(4))
LOOKED_UP = ("balance", "visits", "age", "segment")

customer = Entity("customer", (Field("customer_id", "string"),))

standing = FeatureView(
    "standing",
    customer,
    (*(Field(name, nullable=True) for name in LOOKED_UP[:3]), Field("segment", "string", nullable=True)),
    ttl=timedelta(days=3_650),
)


def _train(features: object, target: object, context: TrainingContext) -> object:
    from sklearn.compose import ColumnTransformer  # noqa: PLC0415 - serving must not pay for it
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import OneHotEncoder  # noqa: PLC0415

    words = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = ColumnTransformer([("words", words, [*WORDS, "segment"])], remainder="passthrough")
    model = HistGradientBoostingClassifier(max_iter=100, random_state=context.seed)
    return make_pipeline(columns, model).fit(features, target)


churn = Model(
    name="churn",
    task="binary",
    entity=customer,
    label=Label("left", feedback=False),
    observations="customers",
    request=(*(Field(name) for name in NUMBERS), *(Field(name, "string", categories=COLOURS) for name in WORDS)),
    views=(standing,),
    features=(*NUMBERS, *WORDS, *LOOKED_UP),
    train=_train,
    gate=Gate(metric="roc_auc", minimum_rows=100),
    holdout=timedelta(days=20),
)

project = Project("serving", (churn,))

"""The manifest of a model that is being packaged."""

import onnx

from loopwright.definitions.model import Model
from loopwright.definitions.project import features_digest
from loopwright.errors import DefinitionError
from loopwright.models import FeatureInput, Manifest, Runtime

ONNX_FILE = "model.onnx"
SKOPS_FILE = "model.skops"


def plain_manifest(
    model: Model,
    classes: tuple[str, ...],
    *,
    runtime: Runtime = "onnx",
    output: str = "",
    trusted_types: tuple[str, ...] = (),
) -> Manifest:
    """Return the manifest that follows from the definitions and from what was fitted."""
    return Manifest(
        model=model.name,
        task=model.task,
        runtime=runtime,
        model_file=ONNX_FILE if runtime == "onnx" else SKOPS_FILE,
        features=tuple(FeatureInput(field.name, field.dtype) for field in model.feature_fields),
        features_digest=features_digest(model),
        classes=classes,
        output=output,
        trusted_types=trusted_types,
    )


def foreign_manifest(model: Model, data: bytes) -> Manifest:
    """Return the manifest of a model that came as ONNX: its output is `probabilities`, else its last float output.

    The classes of a multiclass model are read from its metadata entry `classes` (comma-separated).

    Raises:
        DefinitionError: these are not the bytes of an ONNX model, or the classes are not named.
    """
    try:
        proto = onnx.load_from_string(data)
        onnx.checker.check_model(proto)
    except Exception as error:
        raise DefinitionError(f"model {model.name!r}: the training function returned no ONNX model: {error}") from error
    floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE)
    outputs = [one.name for one in proto.graph.output if one.type.tensor_type.elem_type in floats]
    if not outputs:
        raise DefinitionError(f"model {model.name!r}: the ONNX model has no output of floats; turn its ZipMap off")
    output = "probabilities" if "probabilities" in outputs else outputs[-1]
    return plain_manifest(model, _classes(model, proto), output=output)


def output_of(data: bytes) -> str:
    """Return which output of an exported model holds the probabilities or values: its last."""
    return str(onnx.load_from_string(data).graph.output[-1].name)


def _classes(model: Model, proto: onnx.ModelProto) -> tuple[str, ...]:
    if model.task == "regression":
        return ()
    if model.task == "binary":
        return ("0", "1")
    for entry in proto.metadata_props:
        if entry.key == "classes":
            return tuple(entry.value.split(","))
    raise DefinitionError(
        f"model {model.name!r}: name the ONNX model's classes in its metadata entry `classes`, comma-separated"
    )

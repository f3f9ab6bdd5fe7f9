"""What a function never reads of its libraries: their tests, stubs, headers, and libraries that nothing loads."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_TESTS: Final = ("numpy", "onnxruntime")
"""Libraries whose folders called `tests` hold nothing but their own tests, by their own import rules."""

_TOOLS: Final = (
    *(f"onnxruntime/{name}" for name in ("backend", "datasets", "quantization", "tools", "transformers")),
    "numpy/f2py",
)
"""Folders for those who make models or extensions; their libraries import none of them by themselves."""

_ENDINGS: Final = frozenset({".a", ".c", ".h", ".pxd", ".pyi", ".pyx"})
# What the installer notes down for itself; METADATA stays, for libraries ask for their versions.
_NOTES: Final = frozenset({"INSTALLER", "RECORD", "REQUESTED"})
_ONNX_RUNTIME: Final = Path("onnxruntime", "capi")


def trim(folder: Path) -> None:
    """Remove from installed libraries what no function reads."""
    shutil.rmtree(folder / "bin", ignore_errors=True)
    (folder / ".lock").unlink(missing_ok=True)
    for library in _TESTS:
        for tests in sorted((folder / library).rglob("tests")):
            shutil.rmtree(tests, ignore_errors=True)
    for tools in _TOOLS:
        shutil.rmtree(folder / tools, ignore_errors=True)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (path.suffix in _ENDINGS or (path.parent.suffix == ".dist-info" and path.name in _NOTES)):
            path.unlink()
    for library in unloaded(folder):
        library.unlink()


def unloaded(folder: Path) -> Iterator[Path]:
    """Yield the libraries for C programmers in ONNX Runtime's wheel that its own extension module does not load.

    The extension module has all of the runtime linked into it. One that loaded the library would have the library's
    name among its bytes.
    """
    extensions = [path.read_bytes() for path in (folder / _ONNX_RUNTIME).glob("onnxruntime_pybind11_state*.so")]
    for library in sorted((folder / _ONNX_RUNTIME).glob("libonnxruntime.so*")):
        if extensions and not any(b"libonnxruntime.so" in one for one in extensions):
            yield library

"""Packages in the object store: written manifest last, read with every byte verified."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from loopwright.errors import IntegrityError, InvalidInputError, NotFoundError
from loopwright.hashing import digest
from loopwright.models.manifest import MANIFEST_FILE, Manifest, decode_manifest, file_digest
from loopwright.ports.blobs import Blobs


@dataclass(frozen=True, slots=True)
class Package:
    """A package whose bytes are those that were written."""

    manifest: Manifest
    files: Mapping[str, bytes]
    digest: str


def seal_package(manifest: Manifest, files: Mapping[str, bytes]) -> Package:
    """Return the package with a manifest that names every file; its digest is the manifest's.

    Raises:
        InvalidInputError: the model file is missing, or a file has the manifest's name.
    """
    if MANIFEST_FILE in files:
        raise InvalidInputError(f"a package's files cannot have the name {MANIFEST_FILE}: it is written by itself")
    if manifest.model_file not in files:
        raise InvalidInputError(f"the package of {manifest.model} has no {manifest.model_file}: add the model's bytes")
    sealed = replace(manifest, files={name: file_digest(files[name]) for name in sorted(files)})
    return Package(sealed, dict(files), digest(sealed.encode()))


def write_package(blobs: Blobs, source: str, package: Package) -> str:
    """Write the package's files under `source/`, the manifest last, and return the package's digest.

    Writing the same package again changes nothing; a writer that dies half-way leaves no manifest.
    """
    for name, data in package.files.items():
        blobs.put(f"{source}/{name}", data)
    blobs.put(f"{source}/{MANIFEST_FILE}", package.manifest.encode())
    return package.digest


def read_package(blobs: Blobs, source: str, expected: str) -> Package:
    """Return the package under `source/`, verified against the digest that the registry keeps.

    Raises:
        IntegrityError: a file is missing, or its bytes are not the ones that were written.
        NotFoundError: there is no package.
    """
    manifest = read_manifest(blobs, source, expected)
    files = {name: read_file(blobs, source, name, manifest) for name in manifest.files}
    return Package(manifest, files, expected)


def read_manifest(blobs: Blobs, source: str, expected: str) -> Manifest:
    """Return the manifest under `source/` if its digest is `expected`; otherwise as `read_package`."""
    data = blobs.get(f"{source}/{MANIFEST_FILE}").data
    found = digest(data)
    if found != expected:
        raise IntegrityError(
            f"{source}/{MANIFEST_FILE} was changed after it was registered: wanted {expected}, found {found}; "
            "register the model anew or restore the object"
        )
    return decode_manifest(data)


def read_file(blobs: Blobs, source: str, name: str, manifest: Manifest) -> bytes:
    """Return one file of the package, verified against its manifest; errors as `read_package`."""
    if name not in manifest.files:
        raise NotFoundError(f"the package {source} has no {name}: it has {', '.join(manifest.files)}")
    try:
        data = blobs.get(f"{source}/{name}").data
    except NotFoundError as error:
        raise IntegrityError(f"{source}/{name} is gone although the manifest names it: restore the object") from error
    if file_digest(data) != manifest.files[name]:
        raise IntegrityError(
            f"{source}/{name} was changed after it was written: wanted sha256 {manifest.files[name].sha256}, "
            f"found {file_digest(data).sha256}; nothing was loaded"
        )
    return data

"""Holds Kubernetes manifests against the schemas of what they are: `python manifests.py CRDS FILE...`; exit code 1 on a fault.

Kubernetes' own kinds: by the schemas that the package kubernetes-validate carries, for the versions named here. Others: by
the custom resource definitions in the folder CRDS. A field that the schema does not know is a fault, as it would be dropped
in silence. Runs in an environment of its own, which deploy/check.sh makes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema
import kubernetes_validate
import yaml

VERSIONS: Final = ("1.29", "1.32", "1.34")


def strict(schema: Any) -> Any:
    """The schema, with no field allowed that it does not name."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: strict(value) for name, value in schema.items()}
    if isinstance(found.get("properties"), dict) and not found.get("x-kubernetes-preserve-unknown-fields"):
        found.setdefault("additionalProperties", False)
    return found


def definitions(folder: Path) -> dict[tuple[str, str], Any]:
    """(apiVersion, kind) -> schema."""
    found = {}
    for path in sorted(folder.glob("*.yaml")):
        spec = yaml.safe_load(path.read_text())["spec"]
        for version in spec["versions"]:
            schema = version["schema"]["openAPIV3Schema"]
            schema["properties"]["metadata"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
            found[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = strict(schema)
    return found


def faults(document: Any, custom: dict[tuple[str, str], Any]) -> Iterator[str]:
    """What is wrong with one manifest."""
    schema = custom.get((document["apiVersion"], document["kind"]))
    if schema is not None:
        yield from (
            f"{error.json_path}: {error.message}" for error in jsonschema.Draft7Validator(schema).iter_errors(document)
        )
        return
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
            yield f"Kubernetes {version}: {getattr(error, 'message', error)}"


def main(crds: Path, files: list[Path]) -> int:
    """The number of faults, each on a line of its own."""
    custom = definitions(crds)
    found = number = 0
    for file in files:
        for document in filter(None, yaml.safe_load_all(file.read_text())):
            number += 1
            for fault in faults(document, custom):
                found += 1
                print(f"{file}: {document['kind']} {document['metadata']['name']}: {fault}", file=sys.stderr)
    print(f"{number} manifests, {found} faults")
    return min(found, 1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), [Path(one) for one in sys.argv[2:]]))

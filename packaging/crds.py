"""Objects of the Prometheus operator against the schemas that it publishes.

A cluster drops fields that a schema does not name, or refuses them when asked
strictly; here they are an error."""
import pathlib

import jsonschema
import yaml

FOLDER = pathlib.Path(__file__).parent.parent / "tests/data/crds"
# Azure's own copies of the operator's kinds differ from it in their group only.
AZURE_GROUP = "azmonitoring.coreos.com"


def strict(schema):
    """The schema as JSON Schema has it, with no room for unknown fields."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: strict(value) for key, value in schema.items() if key not in ("default", "format")}
    if out.pop("x-kubernetes-int-or-string", False):
        out.pop("type", None)
        out.setdefault("anyOf", [{"type": "integer"}, {"type": "string"}])
    if "properties" in out and out.get("type") == "object" and not out.get("x-kubernetes-preserve-unknown-fields"):
        out.setdefault("additionalProperties", False)
    return out


def schemas():
    found = {}
    for path in FOLDER.glob("*.yaml"):
        crd = yaml.safe_load(path.read_text())["spec"]
        for version in crd["versions"]:
            schema = strict(version["schema"]["openAPIV3Schema"])
            schema["properties"]["metadata"] = {"type": "object", "required": ["name"]}
            found[f"{crd['group']}/{version['name']}", crd["names"]["kind"]] = schema
    for kind in ("ServiceMonitor",):
        found[f"{AZURE_GROUP}/v1", kind] = found["monitoring.coreos.com/v1", kind]
    return found


SCHEMAS = schemas()


def knows(one):
    return (one["apiVersion"], one["kind"]) in SCHEMAS


def complaints(one):
    """What its schema says against an object."""
    checker = jsonschema.Draft7Validator(SCHEMAS[one["apiVersion"], one["kind"]])
    name = f"{one['kind']} {one['metadata']['name']}"
    return [f"{name}: {'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in checker.iter_errors(one)]

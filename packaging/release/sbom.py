"""The list of parts of the program, as CycloneDX 1.6, from Cargo's own knowledge:
what `cargo metadata` says is linked into the binary for this target.

  sbom.py TARGET SECONDS_SINCE_1970 > m365mon.cdx.json"""
import datetime
import json
import re
import subprocess
import sys
import tomllib
import uuid

target, seconds = sys.argv[1], int(sys.argv[2])
metadata = json.loads(subprocess.run(["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target],
                                     check=True, capture_output=True, text=True).stdout)
checksums = {(one["name"], one["version"]): one.get("checksum") for one in tomllib.load(open("Cargo.lock", "rb"))["package"]}
packages = {one["id"]: one for one in metadata["packages"]}
nodes = {one["id"]: one for one in metadata["resolve"]["nodes"]}
(root,) = [one["id"] for one in metadata["packages"] if one["name"] == "m365mon"]


def reference(identity):
    return f"pkg:cargo/{packages[identity]['name']}@{packages[identity]['version']}"


def wanted(identity):
    """What a part is built from: no dependencies of tests or of build scripts."""
    return sorted({one["pkg"] for one in nodes[identity]["deps"] if any(kind["kind"] is None for kind in one["dep_kinds"])}, key=reference)


linked, rest = set(), [root]
while rest:
    identity = rest.pop()
    if identity not in linked:
        linked.add(identity)
        rest += wanted(identity)


def component(identity):
    one = packages[identity]
    kind = "application" if identity == root else "library"
    # `MIT/Apache-2.0` is how SPDX was written once.
    license = re.sub(r"\s*/\s*", " OR ", one["license"] or "")
    out = {"type": kind, "bom-ref": reference(identity), "name": one["name"], "version": one["version"], "purl": reference(identity)}
    if one.get("description"):
        out["description"] = " ".join(one["description"].split())
    if license:
        out["licenses"] = [{"expression": license}]
    checksum = checksums.get((one["name"], one["version"]))
    if checksum:
        out["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if one.get("repository"):
        out["externalReferences"] = [{"type": "vcs", "url": one["repository"]}]
    return out


when = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
rest = sorted(linked - {root}, key=reference)
print(json.dumps({
    "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.6",
    # The same parts have the same number.
    "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, ' '.join([target, reference(root), *map(reference, rest)]))}",
    "version": 1,
    "metadata": {"timestamp": when, "component": component(root), "properties": [{"name": "cargo:target", "value": target}]},
    "components": [component(identity) for identity in rest],
    "dependencies": [{"ref": reference(identity), "dependsOn": [reference(one) for one in wanted(identity)]} for identity in [root, *rest]],
}, indent=2, ensure_ascii=False))

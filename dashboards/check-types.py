"""Reads each dashboard into the types that Grafana publishes for it and writes
it again: what does not come back is a key that Grafana does not know, or a value
of the wrong kind. Needs `grafana-foundation-sdk` (see requirements.txt)."""
import json
import pathlib
import re
import sys

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

# What the types of Grafana 10.1 leave out, and Grafana reads all the same.
KNOWN = [
    # The data source's own part of an annotation, and two old marks that Grafana writes itself.
    r"/annotations/list/#/(builtIn|step|titleFormat|textFormat|useValueForTime)",
    r"/templating/list/#/definition",
    # Of the bar gauge since 10.3 and 11; older ones pass over them.
    r"/panels/#(/panels/#)?/options/(namePlacement|sizing|maxVizHeight|minVizHeight|valueMode)",
]


def filled(value):
    """Without what is empty: writing leaves that out."""
    if isinstance(value, dict):
        return {key: filled(one) for key, one in value.items() if one not in (None, [], {}, "")}
    if isinstance(value, list):
        return [filled(one) for one in value]
    return value


def lost(before, after, path=""):
    if isinstance(before, dict):
        for key, value in before.items():
            if not isinstance(after, dict) or key not in after:
                yield f"{path}/{key}"
            else:
                yield from lost(value, after[key], f"{path}/{key}")
    elif isinstance(before, list):
        if not isinstance(after, list) or len(after) != len(before):
            yield path
        else:
            for index, (one, other) in enumerate(zip(before, after)):
                yield from lost(one, other, f"{path}/{index}")
    elif before != after:
        yield path


register_default_plugins()
wrong = []
files = sorted(pathlib.Path(__file__).parent.glob("*.json"))
for file in files:
    board = json.loads(file.read_text())
    again = json.loads(JSONEncoder().encode(Dashboard.from_json(board)))
    for path in lost(filled(board), filled(again)):
        if not any(re.fullmatch(known, re.sub(r"/\d+(?=/|$)", "/#", path)) for known in KNOWN):
            wrong.append(f"{file.name}: Grafana does not know {path}")
if not files:
    wrong.append("no dashboard found")
print("\n".join(wrong) or f"{len(files)} dashboards are what Grafana's types say")
sys.exit(bool(wrong))

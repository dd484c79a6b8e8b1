#!/usr/bin/env python3
"""Writes the rules of this folder in the other forms in which they are loaded.

`m365mon-*.yml` beside this file are the source. From them come
  kubernetes/prometheusrules.yaml  PrometheusRule, for the Prometheus operator
  azure/rule-groups.json           an ARM template, for Azure Managed Prometheus
  mixin/*.libsonnet                a jsonnet mixin, with selectors, thresholds and addresses to set
  sloth/*.yml                      the objectives, for Sloth
`generate.py --check` fails if a file is not what this one would write. Needs PyYAML.

    generate.py --into FOLDER [--runbooks URL] [--dashboards URL]

writes all of them and the rules themselves into another folder, with addresses of your
own: the exporter serves the runbooks at /runbooks/NAME, Grafana the dashboards.
"""
import argparse
import json
import pathlib
import re
import sys

import yaml

HERE = pathlib.Path(__file__).parent
SOURCES = ("m365mon-objectives", "m365mon-recording", "m365mon-alerts", "m365mon-tickets", "m365mon-exporters", "m365mon-services")
RUNBOOKS, DASHBOARDS = "https://m365mon.example/runbooks", "https://grafana.example"
WRITTEN_BY = "Written by alerts/generate.py from alerts/m365mon-*.yml: change those."
# Mimir's default (ruler_max_rules_per_rule_group) and Azure's limit.
MOST_RULES = 20
# Azure: intervals and timeToResolve are 1 to 15 minutes.
AZURE_LEAST, AZURE_MOST = 60, 15 * 60
# Azure's severities are 0 critical to 4 verbose.
AZURE_SEVERITIES = {"page": 1, "ticket": 2, "info": 3}
# Mimir's defaults: max_length_label_name, max_length_label_value.
MOST_LABEL_NAME, MOST_LABEL_VALUE = 1024, 2048
SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}

# What a user of the mixin may set: key, the rule, and where its number stands in the
# expression. Of several places of one key all must have the same number.
THRESHOLDS = (
    ("objective", "m365:resource_objective:ratio", r"\* 0 \+ ([0-9.]+)"),
    ("latencyLimitSeconds", "m365:resource_latency_limit:seconds", r"\* 0 \+ ([0-9.]+)"),
    ("latencyFactor", "m365:resource_latency_factor:ratio", r"\* 0 \+ ([0-9.]+)"),
    ("burnRateFast", "m365:resource_flapping:place", r"> ([0-9.]+) \* \(1 - "),
    ("burnRate", "m365:resource_burning:place", r"> ([0-9.]+) \* \(1 - "),
    ("burnRateSlow", "M365ErrorBudgetBurnSlow", r"> ([0-9.]+) \* \(1 - "),
    ("credentialSoonDays", "m365:credential_ends_soon:seconds", r'"client_[^}]*\}\[[^)]*\)\) \* 0 \+ ([0-9.]+) \* 86400'),
    ("credentialVerySoonDays", "m365:credential_ends_very_soon:seconds", r'"client_[^}]*\}\[[^)]*\)\) \* 0 \+ ([0-9.]+) \* 86400'),
    ("accessEndsSoonDays", "M365AccessEndsSoon", r"time\(\) \+ ([0-9.]+) \* 86400"),
)


def seconds(duration):
    """`1h30m` in seconds."""
    parts = re.findall(r"([0-9]+)(ms|[smhdwy])", duration)
    if "".join(n + unit for n, unit in parts) != duration:
        sys.exit(f"not a duration: {duration}")
    return sum(int(n) * SECONDS[unit] for n, unit in parts)


def name_of(rule):
    return rule.get("alert") or rule["record"]


def read():
    """The groups of each source, held against what Mimir and Azure take."""
    files = {name: yaml.safe_load((HERE / f"{name}.yml").read_text())["groups"] for name in SOURCES}
    wrong, groups = [], [group for groups in files.values() for group in groups]
    for group in groups:
        if len(group["rules"]) > MOST_RULES:
            wrong.append(f"{group['name']}: {len(group['rules'])} rules, Mimir and Azure take {MOST_RULES} in a group")
        for rule in group["rules"]:
            for label, value in rule.get("labels", {}).items():
                if len(label) > MOST_LABEL_NAME or len(value) > MOST_LABEL_VALUE:
                    wrong.append(f"{name_of(rule)}: label {label} is longer than Mimir takes")
            if "alert" in rule and rule["labels"].get("severity") not in AZURE_SEVERITIES:
                wrong.append(f"{rule['alert']}: severity is none of {', '.join(AZURE_SEVERITIES)}")
    names = [group["name"] for group in groups]
    wrong += [f"{name}: two groups of this name" for name in set(names) if names.count(name) > 1]
    if wrong:
        sys.exit("\n".join(wrong))
    return files


class Text(yaml.SafeDumper):
    """YAML as people write it: expressions of several lines as blocks, lists indented."""

    def increase_indent(self, flow=False, indentless=False):
        return super().increase_indent(flow, False)


def string(dumper, value):
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


Text.add_representer(str, string)


def dump(objects, comments=()):
    head = "".join(f"# {line}\n" for line in (WRITTEN_BY, *comments))
    return head + "---\n".join(yaml.dump(one, Dumper=Text, sort_keys=False, width=1000, allow_unicode=True) for one in objects)


def prometheus_rules(files):
    return dump([
        {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule",
         "metadata": {"name": name, "labels": {"app.kubernetes.io/name": "m365mon"}},
         "spec": {"groups": groups}}
        for name, groups in files.items()
    ], ["The Prometheus operator loads rules by label: add those of your ruleSelector."])


# Azure


def iso(span):
    """A duration of ISO 8601: PT1H30M."""
    hours, rest = divmod(int(span), 3600)
    minutes, rest = divmod(rest, 60)
    return "PT" + "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (rest, "S")) if n)


def within(span):
    return iso(min(max(span, AZURE_LEAST), AZURE_MOST))


def arm(text):
    """Text of a template: what begins with a bracket would be an expression there."""
    for prefix, parameter in ((RUNBOOKS, "runbookUrl"), (DASHBOARDS, "dashboardUrl")):
        if text.startswith(prefix):
            rest = text.removeprefix(prefix).replace("'", "''")
            return f"[concat(parameters('{parameter}'), '{rest}')]"
    return f"[{text}" if text.startswith("[") else text


def azure_rule(rule):
    if "record" in rule:
        return {"record": rule["record"], "expression": arm(rule["expr"].strip()), "labels": rule.get("labels", {}), "enabled": True}
    out = {"alert": rule["alert"], "expression": arm(rule["expr"].strip()), "enabled": True,
           "severity": AZURE_SEVERITIES[rule["labels"]["severity"]],
           "labels": {key: arm(value) for key, value in rule["labels"].items()},
           "annotations": {key: arm(value) for key, value in rule["annotations"].items()},
           # There is no keep_firing_for: how long a rule must be healthy says the same.
           "resolveConfiguration": {"autoResolved": True, "timeToResolve": within(seconds(rule.get("keep_firing_for", "0s")))},
           "actions": "[variables('actions')]"}
    if "for" in rule:
        out["for"] = iso(seconds(rule["for"]))
    return out


def azure(files):
    parameter = lambda words, **more: {"type": "string", "metadata": {"description": words}, **more}
    return json.dumps({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "metadata": {"description": f"Rules and alerts of m365mon for Azure Managed Prometheus. {WRITTEN_BY}"},
        "parameters": {
            "workspaceId": parameter("Resource id of the Azure Monitor workspace."),
            "location": parameter("Region of the workspace.", defaultValue="[resourceGroup().location]"),
            "actionGroupId": parameter("Resource id of the action group that is told; empty for none.", defaultValue=""),
            "runbookUrl": parameter("Where the runbooks are.", defaultValue=RUNBOOKS),
            "dashboardUrl": parameter("Address of Grafana.", defaultValue=DASHBOARDS),
        },
        "variables": {
            "actions": "[if(empty(parameters('actionGroupId')), createArray(), createArray(createObject('actionGroupId', parameters('actionGroupId'))))]",
        },
        "resources": [
            {"type": "Microsoft.AlertsManagement/prometheusRuleGroups", "apiVersion": "2023-03-01",
             "name": group["name"], "location": "[parameters('location')]",
             "properties": {"enabled": True, "scopes": ["[parameters('workspaceId')]"],
                            "interval": within(seconds(group["interval"])),
                            "rules": [azure_rule(rule) for rule in group["rules"]]}}
            for groups in files.values() for group in groups
        ],
    }, indent=2, ensure_ascii=False) + "\n"


# The mixin


def quoted(text):
    """A string of jsonnet."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def templated(rule, thresholds):
    """The expression as pieces: text, and what the configuration says."""
    marks, expr = [], rule["expr"]
    for key, name, pattern in THRESHOLDS:
        if name == name_of(rule):
            found = list(re.finditer(pattern, expr))
            if not found:
                sys.exit(f"{name}: no {key} by {pattern!r}: mend THRESHOLDS in alerts/generate.py")
            for match in found:
                value = match.group(1)
                if thresholds.setdefault(key, value) != value:
                    sys.exit(f"{name}: {key} is {value} here and {thresholds[key]} elsewhere")
                marks.append((match.start(1), match.end(1), f"c.{key}"))
    # Metrics of the exporter, outside strings; what is recorded has lost job and instance.
    strings = [(found.start(), found.end()) for found in re.finditer(r'"(?:[^"\\]|\\.)*"', expr)]
    for found in re.finditer(r"(?<![\w:])(?:m365|m365mon)_[a-z0-9_]+(?![\w:])(\{\s*)?", expr):
        if any(begin <= found.start() < end for begin, end in strings):
            continue
        if not found.group(1):
            marks.append((found.end(), found.end(), "bare"))
        elif expr[found.end()] == "}":
            marks.append((found.end(), found.end(), "c.selector"))
        else:
            marks.append((found.end(), found.end(), "first"))
    for found in re.finditer(r'job=~"[^"]*m365mon[^"]*"', expr):
        value = found.group(0)
        if thresholds.setdefault("jobSelector", value) != value:
            sys.exit(f"{name_of(rule)}: {value} here and {thresholds['jobSelector']} elsewhere")
        marks.append((found.start(), found.end(), "c.jobSelector"))
    pieces, at = [], 0
    for begin, end, what in sorted(marks):
        pieces += [quoted(expr[at:begin])] if expr[at:begin] else []
        pieces.append(what)
        at = end
    return " + ".join(pieces + ([quoted(expr[at:])] if expr[at:] else []))


def annotation(text):
    for prefix, key in ((RUNBOOKS, "runbookUrl"), (DASHBOARDS, "dashboardUrl")):
        if text.startswith(prefix):
            return f"c.{key} + {quoted(text.removeprefix(prefix))}"
    return quoted(text)


def jsonnet_rules(groups, field, thresholds):
    lines = [f"// {WRITTEN_BY}", "{", "  local c = $._config,", "  local bare = if c.selector == '' then '' else '{' + c.selector + '}',",
             "  local first = if c.selector == '' then '' else c.selector + ', ',", f"  {field}+:: {{", "    groups+: $.shaped(["]
    for group in groups:
        lines += ["      {", f"        name: {quoted(group['name'])},", f"        interval: {quoted(group['interval'])},", "        rules: ["]
        for rule in group["rules"]:
            lines.append("          {")
            for key, value in rule.items():
                if key == "expr":
                    lines.append(f"            expr: {templated(rule, thresholds)},")
                elif isinstance(value, dict):
                    lines.append(f"            {key}: {{")
                    lines += [f"              {name}: {annotation(text) if key == 'annotations' else quoted(text)}," for name, text in value.items()]
                    lines.append("            },")
                else:
                    # `for` is a word of jsonnet.
                    lines.append(f"            {quoted(key) if key == 'for' else key}: {quoted(value)},")
            lines.append("          },")
        lines += ["        ],", "      },"]
    return "\n".join([*lines, "    ]),", "  },", "}", ""])


def jsonnet_config(thresholds):
    words = {
        "objective": "Share of conclusive probes that shall succeed over 30 days.",
        "latencyLimitSeconds": "A median above this is an alert, whatever was usual.",
        "latencyFactor": "So many times slower than in the same half hour of last week is an alert.",
        "burnRateFast": "So many times too fast the error budget may be used up.",
        "credentialSoonDays": "Days before the end of a secret or certificate.",
        "jobSelector": "Which targets are exporters: for `up`, which has no name of ours.",
    }
    lines = [f"// {WRITTEN_BY}", "{", "  _config+:: {", "    // Matchers added to every metric of the exporter: 'cluster=\"a\", team=\"web\"'.",
             "    selector: '',", "    // Where runbooks and Grafana are.", f"    runbookUrl: {quoted(RUNBOOKS)},", f"    dashboardUrl: {quoted(DASHBOARDS)},",
             "    // Alerts and records to leave out, by name.", "    leaveOut: [],",
             "    // Changes by name: { M365ResourceDown: { labels+: { severity: 'ticket' } } }.", "    change: {},"]
    for key, value in thresholds.items():
        lines += [f"    // {words[key]}"] if key in words else []
        lines.append(f"    {key}: {value if key != 'jobSelector' else quoted(value)},")
    return "\n".join([*lines, "  },", "}", ""])


def mixin():
    boards = sorted(path.name for path in (HERE.parent / "dashboards").glob("m365mon-*.json"))
    return "\n".join([
        f"// {WRITTEN_BY}", "(import 'config.libsonnet')", "+ (import 'rules.libsonnet')", "+ (import 'alerts.libsonnet')", "+ {",
        "  // Leaves out and changes what the configuration says.",
        "  shaped(groups):: [",
        "    group {",
        "      rules: [",
        "        local name = if std.objectHas(rule, 'alert') then rule.alert else rule.record;",
        "        rule + (if std.objectHas($._config.change, name) then $._config.change[name] else {})",
        "        for rule in group.rules",
        "        if std.count($._config.leaveOut, if std.objectHas(rule, 'alert') then rule.alert else rule.record) == 0",
        "      ],",
        "    }",
        "    for group in groups",
        "  ],",
        "  grafanaDashboards+:: {",
        *(f"    {quoted(name)}: import '../../dashboards/{name}'," for name in boards),
        "  },", "}", ""])


# Sloth


def number(text):
    value = float(text)
    return int(value) if value == int(value) else value


def sloth(thresholds):
    objective = number(str(round(float(thresholds["objective"]) * 100, 6)))
    limit = float(thresholds["latencyLimitSeconds"])
    rate = lambda metric, more="": f"sum(rate({metric}{more}[{{{{.window}}}}]))"
    total = rate("m365_resource_probes_total", '{outcome=~"success|failure"}')
    slos = [
        {"name": "availability", "objective": objective,
         "description": "Conclusive probes that succeed, over all resources. Inconclusive ones (throttled, no token, no right) count on neither side.",
         "errors": rate("m365_resource_probes_total", '{outcome="failure"}'), "total": total, "alert": "M365Availability", "runbook": "M365ErrorBudgetBurn"},
        {"name": "latency", "objective": 99,
         "description": f"Successful probes that take at most {limit:g} s, over all resources.",
         "errors": f"{rate('m365_resource_probe_duration_seconds_count')} - {rate('m365_resource_probe_duration_seconds_bucket', '{le=%s}' % json.dumps(str(limit)))}",
         "total": rate("m365_resource_probe_duration_seconds_count"), "alert": "M365Latency", "runbook": "M365ResourceSlow"},
    ]
    notes = lambda slo: {"summary": f"The objective of {slo['name']} for Microsoft 365 is in danger", "runbook_url": f"{RUNBOOKS}/{slo['runbook']}"}
    plain = {"version": "prometheus/v1", "service": "m365", "slos": [
        {"name": slo["name"], "objective": slo["objective"], "description": slo["description"],
         "sli": {"events": {"error_query": slo["errors"], "total_query": slo["total"]}},
         "alerting": {"name": slo["alert"], "annotations": notes(slo),
                      "page_alert": {"labels": {"severity": "page"}}, "ticket_alert": {"labels": {"severity": "ticket"}}}}
        for slo in slos]}
    cluster = {"apiVersion": "sloth.slok.dev/v1", "kind": "PrometheusServiceLevel", "metadata": {"name": "m365mon"},
               "spec": {"service": "m365", "slos": [
                   {"name": slo["name"], "objective": slo["objective"], "description": slo["description"],
                    "sli": {"events": {"errorQuery": slo["errors"], "totalQuery": slo["total"]}},
                    "alerting": {"name": slo["alert"], "annotations": notes(slo),
                                 "pageAlert": {"labels": {"severity": "page"}}, "ticketAlert": {"labels": {"severity": "ticket"}}}}
                   for slo in slos]}}
    words = ["For one resource or kind: a copy of an entry with its own name and a matcher",
             '(resource="intranet") in every selector. Planned downtime counts like any other here.']
    return dump([plain], words), dump([cluster], words)


def main():
    files, thresholds = read(), {}
    rules = jsonnet_rules([group for name in SOURCES[:2] for group in files[name]], "prometheusRules", thresholds)
    alerts = jsonnet_rules([group for name in SOURCES[2:] for group in files[name]], "prometheusAlerts", thresholds)
    plain, cluster = sloth(thresholds)
    out = {
        "kubernetes/prometheusrules.yaml": prometheus_rules(files),
        "azure/rule-groups.json": azure(files),
        "mixin/config.libsonnet": jsonnet_config(thresholds),
        "mixin/rules.libsonnet": rules,
        "mixin/alerts.libsonnet": alerts,
        "mixin/mixin.libsonnet": mixin(),
        "sloth/m365mon.yml": plain,
        "sloth/kubernetes.yaml": cluster,
    }
    options = argparse.ArgumentParser(usage=__doc__)
    options.add_argument("--check", action="store_true")
    options.add_argument("--into", type=pathlib.Path)
    options.add_argument("--runbooks", default=RUNBOOKS)
    options.add_argument("--dashboards", default=DASHBOARDS)
    options = options.parse_args()
    if options.check:
        stale = [name for name, text in out.items() if not (HERE / name).exists() or (HERE / name).read_text() != text]
        sys.exit(f"not current, run alerts/generate.py: {', '.join(stale)}" if stale else 0)
    if options.into:
        out.update({f"{name}.yml": (HERE / f"{name}.yml").read_text() for name in SOURCES})
    elif (options.runbooks, options.dashboards) != (RUNBOOKS, DASHBOARDS):
        sys.exit("--runbooks and --dashboards need --into: the files of this folder keep their addresses")
    for name, text in out.items():
        for old, new in ((RUNBOOKS, options.runbooks), (DASHBOARDS, options.dashboards)):
            text = text.replace(old, new.rstrip("/"))
        path = (options.into or HERE) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


main()

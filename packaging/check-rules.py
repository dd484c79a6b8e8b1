"""The rules in their other forms (`alerts/generate.py`): current, the same rules,
and within what their readers take. Needs PyYAML, jsonschema, jsonnet, promtool."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

import crds

ROOT = pathlib.Path(__file__).parent.parent
ALERTS = ROOT / "alerts"
wrong = []


def check(fact, words):
    if not fact:
        wrong.append(words)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        sys.exit(f"rules: {' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")
    return done.stdout


def promtool(groups, words):
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        yaml.safe_dump({"groups": groups}, file)
        file.flush()
        done = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True)
        check(done.returncode == 0, f"{words}: promtool: {done.stdout}{done.stderr}")


def mixin(changes="{}"):
    program = f"""
        local m = (import 'mixin.libsonnet') + {{ _config+:: {changes} }};
        {{ rules: m.prometheusRules.groups + m.prometheusAlerts.groups, boards: std.objectFields(m.grafanaDashboards) }}"""
    return json.loads(run("jsonnet", "-J", "alerts/mixin", "-e", program))


run(sys.executable, "alerts/generate.py", "--check")
source = [group for name in ("objectives", "recording", "alerts", "tickets", "exporters", "services") for group in yaml.safe_load((ALERTS / f"m365mon-{name}.yml").read_text())["groups"]]
rules = {group["name"]: {rule.get("alert") or rule["record"]: rule for rule in group["rules"]} for group in source}

# The operator's.
objects = list(yaml.safe_load_all((ALERTS / "kubernetes/prometheusrules.yaml").read_text()))
for one in objects:
    wrong += crds.complaints(one)
check([group for one in objects for group in one["spec"]["groups"]] == source, "PrometheusRule: not the same rules")
broken = json.loads(json.dumps(objects[0]))
broken["spec"]["groups"][0]["rules"][0]["expression"] = "1"
check(crds.complaints(broken), "the schema of PrometheusRule lets anything through")

# The mixin: as it is, and with everything changed.
plain = mixin()
check(plain["rules"] == source, "mixin: not the same rules")
check(len(plain["boards"]) == len(list((ROOT / "dashboards").glob("m365mon-*.json"))), "mixin: dashboards are missing")
changed = mixin("""{
    selector: 'cluster="a", team=~"web|mail"', jobSelector: 'job="office"', objective: 0.995, latencyLimitSeconds: 2, latencyFactor: 5,
    burnRateFast: 10, burnRate: 5, burnRateSlow: 2, credentialSoonDays: 60, credentialVerySoonDays: 20, accessEndsSoonDays: 5,
    runbookUrl: 'https://wiki.contoso.com/m365', dashboardUrl: 'https://grafana.contoso.com',
    leaveOut: ['M365ExporterMissing'], change: { M365ResourceDown: { labels+: { severity: 'ticket' } } } }""")["rules"]
promtool(changed, "mixin with a changed configuration")
text = json.dumps(changed)
for old in ("m365mon.example", "grafana.example", "0.999", "14.4", ".*m365mon.*", '"M365ExporterMissing"'):
    check(json.dumps(old)[1:-1] in json.dumps(source) or old == '"M365ExporterMissing"', f"mixin: {old} is in no rule any more")
    check(json.dumps(old)[1:-1] not in text and old not in text, f"mixin: {old} cannot be changed")
down = [rule for group in changed for rule in group["rules"] if rule.get("alert") == "M365ResourceDown"]
check([rule["labels"]["severity"] for rule in down] == ["ticket"], "mixin: change has no effect")
for group in changed:
    for rule in group["rules"]:
        bare = re.sub(r"\{[^}]*\}", "{}", rule["expr"])
        for name, rest in re.findall(r"(?<![\w:])((?:m365|m365mon)_[a-z0-9_]+)(?![\w:])(..?)?", bare):
            check(rest == "{}", f"mixin: {rule.get('alert') or rule['record']}: {name} without the selector")
        for inside in re.findall(r"(?<![\w:])(?:m365|m365mon)_[a-z0-9_]+\{([^}]*)\}", rule["expr"]):
            check(inside.startswith('cluster="a", team=~"web|mail"'), f"mixin: {rule.get('alert') or rule['record']}: {inside}")

# Azure's.
template = json.loads((ALERTS / "azure/rule-groups.json").read_text())
check(set(template["parameters"]) == {"workspaceId", "location", "actionGroupId", "runbookUrl", "dashboardUrl"}, "ARM: other parameters")
addresses = {name: template["parameters"][name]["defaultValue"] for name in ("runbookUrl", "dashboardUrl")}


def arm(value):
    """What Azure makes of a string, as far as this template asks for it."""
    if not value.startswith("[") or value.startswith("[["):
        return value.removeprefix("[")
    found = re.fullmatch(r"\[concat\(parameters\('(\w+)'\), '((?:[^']|'')*)'\)\]", value)
    if not found:
        wrong.append(f"ARM: not understood: {value}")
        return value
    return addresses[found.group(1)] + found.group(2).replace("''", "'")


def seconds(text):
    found = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?", text)
    check(found and text != "PT", f"ARM: not a duration: {text}")
    return sum(int(part or 0) * unit for part, unit in zip(found.groups(), (3600, 60, 1))) if found else 0


def prometheus_seconds(text):
    return sum(int(n) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit] for n, unit in re.findall(r"(\d+)([smhd])", text))


groups = []
check([resource["name"] for resource in template["resources"]] == list(rules), "ARM: other groups")
check(len(template["resources"]) <= 500, "ARM: more groups than a workspace takes")
for resource in template["resources"]:
    name, made = resource["name"], resource["properties"]
    check(resource["type"] == "Microsoft.AlertsManagement/prometheusRuleGroups" and resource["apiVersion"] == "2023-03-01", f"ARM: {name}: another type")
    check(re.fullmatch(r"[^:@/#{}%&+*<>?]+", name) and not name.endswith((" ", ".")), f"ARM: {name}: not a name")
    check(len(made["rules"]) <= 20, f"ARM: {name}: more rules than a group takes")
    check(60 <= seconds(made["interval"]) <= 900, f"ARM: {name}: every {made['interval']}")
    group = []
    for rule in made["rules"]:
        its = rule.get("alert") or rule["record"]
        old = rules[name][its]
        known = {"record", "alert", "enabled", "expression", "severity", "for", "labels", "annotations", "actions", "resolveConfiguration"}
        check(set(rule) <= known, f"ARM: {its}: {set(rule) - known}")
        new = {"expr": arm(rule["expression"]), "labels": {key: arm(value) for key, value in rule["labels"].items()}}
        check(new["expr"] == old["expr"].strip() and new["labels"] == old.get("labels", {}), f"ARM: {its}: another rule")
        if "alert" in rule:
            new |= {"alert": its, "annotations": {key: arm(value) for key, value in rule["annotations"].items()}}
            check(new["annotations"] == old["annotations"], f"ARM: {its}: other annotations")
            check(seconds(rule.get("for", "PT0S")) == prometheus_seconds(old.get("for", "0s")), f"ARM: {its}: another `for`")
            held, asked = seconds(rule["resolveConfiguration"]["timeToResolve"]), prometheus_seconds(old.get("keep_firing_for", "0s"))
            check(held == min(max(asked, 60), 900), f"ARM: {its}: resolves after {held} s, not {asked}")
            check(0 <= rule["severity"] <= 4, f"ARM: {its}: severity {rule['severity']}")
        else:
            new["record"] = its
        group.append(new)
    groups.append({"name": name, "rules": group})
promtool(groups, "ARM")

# Sloth's: what every entry must have, and queries that are valid for each of its windows.
for file, keys in (("m365mon.yml", ("error_query", "total_query", "page_alert", "ticket_alert")), ("kubernetes.yaml", ("errorQuery", "totalQuery", "pageAlert", "ticketAlert"))):
    found = yaml.safe_load((ALERTS / "sloth" / file).read_text())
    spec = found["spec"] if "spec" in found else found
    check(found.get("version") == "prometheus/v1" or (found["apiVersion"], found["kind"]) == ("sloth.slok.dev/v1", "PrometheusServiceLevel"), f"{file}: another form")
    check(spec["service"] and spec["slos"], f"{file}: nothing in it")
    made = []
    for slo in spec["slos"]:
        check(0 < slo["objective"] <= 100 and len(slo["name"]) <= 128 and slo["alerting"]["name"], f"{file}: {slo['name']}")
        check(all(slo["alerting"][key]["labels"] for key in keys[2:]), f"{file}: {slo['name']}: alerts without labels")
        for key in keys[:2]:
            query = slo["sli"]["events"][key]
            check("{{.window}}" in query, f"{file}: {slo['name']}: {key} without a window")
            made += [{"record": f"{slo['name']}:{key}:{window}", "expr": query.replace("{{.window}}", window)} for window in ("5m", "30d")]
    promtool([{"name": "sloth", "rules": made}], file)

sys.exit("\n".join(f"rules: {words}" for words in wrong) if wrong else 0)

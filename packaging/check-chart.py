"""The Helm chart, rendered for every set of values in packaging/helm/values by
Go's template package and Sprig (packaging/helm/render; this is not Helm): what
comes out against Kubernetes' and the operator's schemas, its parts against each
other, its flags against the program, its configuration by the program.

  check-chart.py RENDERER M365MON"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

import crds

ROOT = pathlib.Path(__file__).parent.parent
HELM = ROOT / "packaging/helm"
RENDERER, PROGRAM = sys.argv[1:]
OWN = {"config.file", "web.config.file", "web.operator-file"}
wrong = []


def check(fact, words):
    if not fact:
        wrong.append(words)


def render(*values, release="office"):
    return subprocess.run([RENDERER, HELM / "m365mon", release, "m365mon", *values], capture_output=True, text=True)


def program(*arguments):
    # What Azure's webhook sets.
    environment = os.environ | {"AZURE_TENANT_ID": "contoso.onmicrosoft.com", "AZURE_CLIENT_ID": "11111111-2222-3333-4444-555555555555",
                                "AZURE_FEDERATED_TOKEN_FILE": os.environ.get("SERVICE_ACCOUNT_TOKEN", "/dev/null")}
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, env=environment)


flags = set(re.findall(r"^\s+(?:-\w, )?--([a-z][a-z0-9.-]+)", program("serve", "--help").stdout, re.M)) - {"help", "version"}
values = yaml.safe_load((HELM / "m365mon/values.yaml").read_text())
known = set(values["flags"]) | OWN
check(not flags - known, f"values.yaml: flags that are missing: {sorted(flags - known)}")
check(not known - flags, f"values.yaml: flags that there are not: {sorted(known - flags)}")
every = yaml.safe_load((HELM / "values/every-flag.yaml").read_text())["flags"]
check(set(every) == set(values["flags"]), f"every-flag.yaml: {sorted(set(values['flags']) ^ set(every))}")

for folder, source in (("dashboards", ROOT / "dashboards"), ("rules", ROOT / "alerts")):
    there = {path.name for path in (HELM / "m365mon/files" / folder).iterdir()}
    wanted = {path.name for path in source.glob("m365mon-*") if path.suffix in (".json", ".yml")}
    check(there == wanted, f"files/{folder}: link these to their source, or take them away: {sorted(there ^ wanted)}")

sets = sorted((HELM / "values").glob("*.yaml"))
check(len(sets) >= 10, "fewer than ten sets of values")
kinds = set()
with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    for path in [None, *sets]:
        name = path.stem if path else "nothing set"
        done = render(*([path] if path else []))
        if done.returncode:
            wrong.append(f"{name}: {done.stderr}")
            continue
        objects = [one for one in yaml.safe_load_all(done.stdout) if one]
        kinds |= {(one["apiVersion"], one["kind"]) for one in objects}
        identities = [(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in objects]
        check(len(set(identities)) == len(identities), f"{name}: two of one name")
        check(all(one["metadata"]["labels"]["app.kubernetes.io/instance"] == "office" for one in objects), f"{name}: something without labels")
        plain, own = folder / f"{name}.plain.yaml", folder / f"{name}.yaml"
        plain.write_text(yaml.safe_dump_all([one for one in objects if not crds.knows(one)]))
        own.write_text(yaml.safe_dump_all(objects))
        for command in (["kubernetes-validate", "--strict", "--no-warn", "--quiet", plain], ["python", ROOT / "packaging/check-manifests.py", own]):
            judged = subprocess.run([pathlib.Path(sys.executable).parent / command[0], *command[1:]], capture_output=True, text=True)
            check(judged.returncode == 0, f"{name}: {command[0]}: {judged.stdout}{judged.stderr}")
        (deployment,) = [one for one in objects if one["kind"] == "Deployment"]
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        used = {argument.removeprefix("--").split("=")[0] for argument in container["args"][1:]}
        check(used <= flags | OWN, f"{name}: no such flags: {sorted(used - flags)}")
        for one in objects:
            for key, text in {**one.get("data", {}), **one.get("stringData", {})}.items():
                if key.endswith(".json"):
                    check(json.loads(text) == json.loads((ROOT / "dashboards" / key).read_text()), f"{name}: {key} is another dashboard")
                elif one["kind"] == "ConfigMap":
                    (folder / key).write_text(text)
                    judged = program("check-config", "--config.file", folder / key)
                    check(judged.returncode == 0, f"{name}: {key}: {judged.stdout}{judged.stderr}")
                else:
                    check(yaml.safe_load(text) == yaml.safe_load(path.read_text())["webConfig"]["config"], f"{name}: {key} is another web configuration")
        rules = [group for one in objects if one["kind"] == "PrometheusRule" for group in one["spec"]["groups"]]
        if rules:
            names = ("alerts", "exporters", "objectives", "recording", "services", "tickets")
            text = "".join((ROOT / f"alerts/m365mon-{one}.yml").read_text() for one in names)
            source = [group for one in names for group in yaml.safe_load((ROOT / f"alerts/m365mon-{one}.yml").read_text())["groups"]]
            asked = yaml.safe_load(path.read_text())["prometheusRule"]
            source = json.loads(json.dumps(source).replace("https://m365mon.example/runbooks", asked["runbookUrl"]).replace("https://grafana.example", asked["dashboardUrl"]))
            check(rules == source, f"{name}: other rules")
    for path in sorted((HELM / "values/refused").glob("*.yaml")):
        words = re.match(r"# refused: (.*)", path.read_text()).group(1)
        done = render(path)
        check(done.returncode != 0 and words in done.stderr, f"{path.stem}: is not refused by: {words}: {done.stderr}")

wanted = {("v1", kind) for kind in ("ConfigMap", "Secret", "Service", "ServiceAccount", "PersistentVolumeClaim")} | {
    ("apps/v1", "Deployment"), ("networking.k8s.io/v1", "NetworkPolicy"), ("networking.k8s.io/v1", "Ingress"),
    ("monitoring.coreos.com/v1", "ServiceMonitor"), ("azmonitoring.coreos.com/v1", "ServiceMonitor"),
    ("monitoring.coreos.com/v1", "PrometheusRule"), ("monitoring.coreos.com/v1alpha1", "ScrapeConfig")}
check(kinds == wanted, f"rendered kinds differ: {kinds ^ wanted}")
sys.exit("\n".join(f"chart: {words}" for words in wrong) if wrong else 0)

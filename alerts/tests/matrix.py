#!/usr/bin/env python3
"""Situations, and what arrives: pages, tickets, nothing; how many; from which
minute to which. Written as tests for promtool.

    alerts/tests/matrix.py            writes matrix-*.test.yml and arrives.yml
    alerts/tests/matrix.py --check    fails if they are not what it would write
    alerts/tests/matrix.py --run      writes nothing; shows what arrives in each situation
                                      (--run WORD: only where WORD is in its name; --run FILE: of that file)

What arrives is what fires and is not inhibited: arrives.yml is made of the
inhibitions of alertmanager.yml.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

import situations

HERE = pathlib.Path(__file__).parent
ORDER = ("m365mon-objectives m365mon-memory m365mon-pages m365mon-counts-5m m365mon-ratios m365mon-counts-30d m365mon-latency-now "
         "m365mon-latency m365mon-network m365mon-burn m365mon-resources m365mon-accounts m365mon-exporters m365mon-exporter-health "
         "m365mon-alerting m365mon-services m365mon-housekeeping test-arrives").split()
FILES = ["objectives", "recording", "alerts", "tickets", "exporters", "services"]


def matchers(text):
    """`[alertname =~ "A|B", severity = page]` as PromQL's."""
    parts = re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*("[^"]*"|[^,\]\s]+)', text)
    return ",".join(f'{name}{op}"{value.strip(chr(34))}"' for name, op, value in parts)


def arrives():
    """The inhibitions of alertmanager.yml as one expression."""
    text = (HERE.parent / "alertmanager.yml").read_text()
    rules = re.findall(r"source_matchers: (\[.*\])\n\s+target_matchers: (\[.*\])\n\s+equal: \[(.*)\]", text)
    assert len(rules) == text.count("source_matchers"), "an inhibition without `equal`?"
    fires = 'ALERTS{alertstate="firing"'
    lines = [fires + ',alertname!="M365Watchdog"}']
    for source, target, equal in rules:
        lines.append(f"unless ({fires},{matchers(target)}}} and on ({equal}) {fires},{matchers(source)}}})")
    body = "".join(f"          {line}\n" for line in lines)
    return ("# Made by matrix.py from the inhibitions of alertmanager.yml: what arrives.\n"
            "groups:\n  - name: test-arrives\n    rules:\n      - record: test:arrives\n        expr: |\n" + body)


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def head(evaluation, note, folder=".."):
    files = "".join(f"  - {folder}/m365mon-{name}.yml\n" for name in FILES)
    return (f"# Made by matrix.py: {note}\nrule_files:\n{files}  - {'arrives.yml' if folder == '..' else folder + '/tests/arrives.yml'}\n"
            f"evaluation_interval: {evaluation}\n"
            "# Else promtool takes the groups in an order that changes from run to run.\n"
            f"group_eval_order: [{', '.join(ORDER)}]\ntests:\n")


def inputs(situation):
    out = [f"  - name: {quoted(situation.name)}\n    interval: {situation.step}s\n    input_series:\n"]
    for series, values in situation.series():
        out.append(f"      - series: {quoted(series)}\n        values: {quoted(values)}\n")
    return "".join(out)


COUNT = "count by (alertname, severity) (test:arrives)"
PAGES = 'count by (location, account, kind) (test:arrives{severity="page"})'


def written(situation):
    out = [inputs(situation), "    promql_expr_test:\n"]
    for minute in situation.minutes():
        expected = situation.at(minute)
        out.append(f"      - expr: {quoted(COUNT)}\n        eval_time: {situation.moment(minute)}\n")
        if not expected:
            out.append("        exp_samples: []\n")
            continue
        out.append("        exp_samples:\n")
        for (name, severity), count in sorted(expected.items()):
            out.append(f"          - {{labels: {quoted(f'{{alertname={chr(34)}{name}{chr(34)}, severity={chr(34)}{severity}{chr(34)}}}')}, value: {count}}}\n")
    for minute, expression, samples in situation.also:
        out.append(f"      - expr: {quoted(expression)}\n        eval_time: {situation.moment(minute)}\n")
        out.append("        exp_samples: []\n" if not samples else "        exp_samples:\n")
        for labels, value in samples:
            out.append(f"          - {{labels: {quoted(labels)}, value: {value}}}\n")
    return "".join(out)


def files():
    made = {"arrives.yml": arrives()}
    for name, (evaluation, note) in situations.FILES.items():
        chosen = [s for s in situations.ALL if s.file == name]
        made[f"matrix-{name}.test.yml"] = head(evaluation, note) + "".join(written(s) for s in chosen)
    return made


def run(word):
    """What arrives, by the promtool of the path."""
    with tempfile.TemporaryDirectory() as folder:
        base = pathlib.Path(folder)
        rules = base / "arrives.yml"
        rules.write_text(arrives())
        for situation in situations.ALL:
            if word not in situation.name and word != f"{situation.file}:":
                continue
            top = head(situations.FILES[situation.file][0], "run", str(HERE.parent.resolve())).replace(
                f"{HERE.parent.resolve()}/tests/arrives.yml", str(rules))
            text = top + inputs(situation) + "    promql_expr_test:\n"
            for minute in situation.minutes():
                text += f"      - expr: {quoted('count by (alertname, severity, location, account, kind) (test:arrives)')}\n        eval_time: {situation.moment(minute)}\n        exp_samples: [{{labels: '{{none=\"none\"}}', value: 1}}]\n"
            file = base / "run.test.yml"
            file.write_text(text)
            told = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True)
            seen, order = {}, situation.minutes()
            got = re.findall(r"time: (\S+),.*?\n\s*exp:.*?\n\s*got:\s*(.*?)(?=\n\s*expr:|\n\s*name:|\Z)", told.stdout + told.stderr, re.S)
            for index, (_, result) in enumerate(got):
                for labels, value in re.findall(r"(\{[^}]*\}) ([0-9.E+]+)", result):
                    seen.setdefault((labels, value), []).append(order[index])
            print(f"== {situation.name}")
            if len(got) != len(order):
                print("  ??", (told.stdout + told.stderr)[:2000])
            step = order[1] - order[0]
            for (labels, value), moments in seen.items():
                spans, start, last = [], moments[0], moments[0]
                for moment in moments[1:] + [None]:
                    if moment is None or moment > last + step + 1e-9:
                        spans.append(f"{start:g}–{last + step:g}")
                        start = moment
                    last = moment
                name = re.search(r'alertname="([^"]*)"', labels)[1]
                rest = re.sub(r'(alertname|severity)="[^"]*",? ?', "", labels)
                severity = re.search(r'severity="([^"]*)"', labels)[1]
                print(f"  {severity:6} {name} ×{value} {rest}: {', '.join(spans)}")
            print("  expected:", "; ".join(f"{severity} {name} ×{count} {start:g}–{end:g}" for name, severity, start, end, count in situation.expected) or "nothing")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[:1] == ["--run"]:
        run(arguments[1] if len(arguments) > 1 else "")
    elif arguments == ["--check"]:
        old = [name for name, text in files().items() if not (HERE / name).exists() or (HERE / name).read_text() != text]
        if old:
            sys.exit(f"{', '.join(old)}: not what alerts/tests/matrix.py writes; run it")
    else:
        for name, text in files().items():
            (HERE / name).write_text(text)

#!/usr/bin/env python3
"""Writes the seven dashboards beside this file.

The dashboards are code: panels are described here once, and the JSON is what
Grafana (10 and later) imports. `generate.py --check` fails if the JSON is not
what this file would write.
"""
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
DS = {"type": "prometheus", "uid": "${datasource}"}
ID = "account, kind, resource, location"
RESOURCE = "account, kind, resource"
PHASES = ("resolve", "connect", "tls", "processing", "transfer")
SEL = 'job=~"$job", account=~"$account", kind=~"$kind", resource=~"$resource", location=~"$location"'
REC = 'account=~"$account", kind=~"$kind", resource=~"$resource", location=~"$location"'
ACC = 'job=~"$job", account=~"$account"'
EXP = 'job=~"$job", instance=~"$instance"'

DOCS = "https://m365mon.example/runbooks"

GREEN, RED, YELLOW, BLUE, GREY = "green", "red", "#EAB839", "blue", "#808080"


def steps(*pairs):
    return {"mode": "absolute", "steps": [{"color": c, "value": v} for v, c in pairs]}


class Dashboard:
    def __init__(self, uid, title, description, variables, annotations=True, refresh="1m", single=()):
        self.single, self.within = single, None
        self.uid, self.title, self.description = uid, title, description
        self.variables, self.annotations, self.refresh = variables, annotations, refresh
        self.panels, self.x, self.y, self.row_h, self.count = [], 0, 0, 0, 1

    def place(self, w, h):
        if self.x + w > 24:
            self.x, self.y, self.row_h = 0, self.y + self.row_h, 0
        pos = {"x": self.x, "y": self.y, "w": w, "h": h}
        self.x += w
        self.row_h = max(self.row_h, h)
        return pos

    def panel(self, kind, title, description, targets, w=12, h=8, unit=None, thresholds=None,
              options=None, custom=None, overrides=None, mappings=None, minimum=None,
              maximum=None, decimals=None, transformations=None, links=None, no_value=None,
              color=None, interval=None):
        if kind != "stat" and no_value is None:
            no_value = "no exporter told anything in this time"
        defaults = {"color": color or {"mode": "palette-classic"}, "mappings": mappings or [],
                    "thresholds": thresholds or steps((None, GREEN))}
        if thresholds and not color:
            defaults["color"] = {"mode": "thresholds"} if kind in ("stat", "table", "gauge") else defaults["color"]
        defaults["unit"] = unit or "short"
        for key, value in (("min", minimum), ("max", maximum), ("decimals", decimals),
                           ("custom", custom), ("links", links), ("noValue", no_value)):
            if value is not None:
                defaults[key] = value
        if kind == "stat":
            # As it is at the end of the time shown: the last word of an exporter that died is not true now.
            for target in targets:
                target.update(instant=True, range=False)
            # No data is grey, never the colour of the lowest figure.
            if no_value is not None and not any(mapping["type"] == "special" for mapping in mappings or []):
                defaults["mappings"] = [*(mappings or []), *nothing(no_value)]
        if kind == "table":
            # Else each empty cell says what only an empty table should, and a name of digits is a number.
            names = {"matcher": {"id": "byType", "options": "string"}, "properties": [{"id": "unit", "value": "string"}]}
            overrides = [override_matching("/.*/", noValue="–"), names, *(overrides or [])]
        for index, target in enumerate(targets):
            target.setdefault("refId", chr(ord("A") + index))
            target["datasource"] = DS
        panel = {"id": self.count, "type": kind, "title": title,
                 "description": description, "datasource": DS, "gridPos": self.place(w, h),
                 "targets": targets,
                 "fieldConfig": {"defaults": defaults, "overrides": overrides or []},
                 "options": options or {}}
        if transformations:
            panel["transformations"] = transformations
        if interval:
            panel["interval"] = interval
        self.count += 1
        (self.panels if self.within is None else self.within).append(panel)

    def row(self, title, collapsed=False):
        """Begins a row; what follows stands in it. A collapsed one is opened by a click."""
        self.x, self.y, self.row_h = 0, self.y + self.row_h, 0
        row = {"id": self.count, "type": "row", "title": title, "collapsed": collapsed, "panels": [],
               "gridPos": {"x": 0, "y": self.y, "w": 24, "h": 1}}
        self.count += 1
        self.panels.append(row)
        self.within = row["panels"] if collapsed else None
        self.y += 1

    def json(self):
        variable = {
            "datasource": {"name": "datasource", "label": "Data source", "type": "datasource",
                           "query": "prometheus", "refresh": 1, "current": {}, "hide": 0},
            "job": query_var("job", "Job", "label_values(m365mon_build_info, job)"),
            "instance": query_var("instance", "Instance",
                                  'label_values(m365mon_build_info{job=~"$job"}, instance)'),
            "account": query_var("account", "Account",
                                 'label_values(m365_account_info{job=~"$job"}, account)'),
            "kind": query_var("kind", "Kind", 'label_values(m365_resource_interval_seconds'
                              '{job=~"$job", account=~"$account"}, kind)'),
            "resource": query_var("resource", "Resource", 'label_values(m365_resource_interval_seconds'
                                  '{job=~"$job", account=~"$account", kind=~"$kind"}, resource)'),
            "location": query_var("location", "Location", 'label_values(m365_resource_interval_seconds'
                                  '{job=~"$job"}, location)'),
            "exporter": text_var("exporter", "Exporter's page", "http://127.0.0.1:10365"),
            "runbooks": text_var("runbooks", "Runbooks", DOCS),
        }
        for name in self.single:
            variable[name].update(multi=False, includeAll=False, allValue=None, current={})
        annotations = [{"builtIn": 1, "datasource": {"type": "grafana", "uid": "-- Grafana --"},
                        "enable": True, "hide": True, "iconColor": "rgba(0, 211, 255, 1)",
                        "name": "Annotations & Alerts", "type": "dashboard"}]
        if self.annotations:
            annotations.append({
                "datasource": DS, "enable": True, "hide": False, "iconColor": "red", "name": "Outages",
                # One region a kind and account: fifty resources that go down together are one outage. Down
                # as the places decide: what a dead exporter said last is not the word of all.
                "expr": 'count by (account, kind) (m365:resource_outage:bool{account=~"$account", kind=~"$kind", resource=~"$resource"} == 1)', "step": "60s",
                "titleFormat": "{{kind}} down", "textFormat": "{{account}}",
                "useValueForTime": False})
        links = [{"title": t, "type": "link", "icon": "dashboard", "url": f"/d/{u}",
                  "keepTime": True, "includeVars": True, "asDropdown": False, "targetBlank": False,
                  "tags": [], "tooltip": ""} for u, t in DASHBOARDS if u != self.uid]
        links.append({"title": "Exporter's page", "type": "link", "icon": "external link", "url": "${exporter}/",
                      "keepTime": False, "includeVars": False, "asDropdown": False, "targetBlank": True,
                      "tags": [], "tooltip": "What each probe said, request ids to copy"})
        return {"uid": self.uid, "title": self.title, "description": self.description,
                "tags": ["m365mon"], "schemaVersion": 39, "version": 1, "editable": True,
                "graphTooltip": 1, "refresh": self.refresh, "timezone": "browser",
                "time": {"from": "now-6h", "to": "now"}, "timepicker": {}, "fiscalYearStartMonth": 0,
                "templating": {"list": [variable[name] for name in (*self.variables, "exporter", "runbooks")]},
                "annotations": {"list": annotations}, "links": links, "panels": self.panels}


def query_var(name, label, query):
    return {"name": name, "label": label, "type": "query", "datasource": DS,
            "query": {"query": query, "refId": name}, "definition": query, "refresh": 2,
            "sort": 1, "multi": True, "includeAll": True, "allValue": ".*", "hide": 0,
            "regex": "", "current": {"selected": True, "text": ["All"], "value": ["$__all"]}}


def text_var(name, label, value):
    """An address that a team sets once, at the top of the dashboard."""
    return {"name": name, "label": label, "type": "textbox", "query": value, "hide": 0, "skipUrlSync": False,
            "current": {"selected": True, "text": value, "value": value}, "options": [{"selected": True, "text": value, "value": value}]}


def q(expr, legend="", instant=False, fmt=None, exemplar=False):
    target = {"expr": expr, "legendFormat": legend, "instant": instant, "range": not instant,
              "editorMode": "code", "exemplar": exemplar}
    if fmt:
        target["format"] = fmt
    return target


def table(expr):
    return q(expr, instant=True, fmt="table")


def lines(**more):
    return {"drawStyle": "line", "lineWidth": 1, "fillOpacity": more.pop("fill", 8),
            "showPoints": "never", "spanNulls": False, **more}


def legend(calcs=("lastNotNull",), mode="list", placement="bottom"):
    return {"legend": {"displayMode": mode, "placement": placement, "calcs": list(calcs), "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"}}


STAT = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "background", "graphMode": "none", "textMode": "auto", "justifyMode": "auto",
        "orientation": "auto"}
HIDE = ("Time", "__name__", "instance", "job")


def organize(rename=None, exclude=None, order=None, keep=()):
    return {"id": "organize", "options": {
        "excludeByName": {name: True for name in (*HIDE, *(exclude or [])) if name not in keep},
        "indexByName": {name: i for i, name in enumerate(order or [])},
        "renameByName": rename or {}}}


def override(name, **properties):
    return {"matcher": {"id": "byName", "options": name},
            "properties": [{"id": key, "value": value} for key, value in properties.items()]}


def override_matching(regex, **properties):
    return {**override("", **properties), "matcher": {"id": "byRegexp", "options": regex}}


def grown(counter, selector, by):
    """How much a counter grew in each step of the picture, in whole numbers; nothing where it did not.

    `increase` misses the first occurrence of a series that appears with it. Such
    a series counts from 0, provided that its exporter was seen before it.
    """
    series = f"{counter}{{{selector}}}"
    return (f"sum by ({by}) (clamp_min({series} - (({series} offset $__interval) or "
            f"({series} * 0 and on (job, instance) up offset $__interval == 1)), 0)) > 0")


def by_outcome():
    return [override_matching(f"/{word}/", color={"mode": "fixed", "fixedColor": color})
            for word, color in (("success", GREEN), ("failure", RED), ("inconclusive", YELLOW))]


def shaded(**words):
    """Series that have a word in their name in shades of one colour: what failed is never green."""
    return [override_matching(f"/{word}/", color={"mode": "shades", "fixedColor": color}) for word, color in words.items()]


UPDOWN = [{"type": "value", "options": {"0": {"text": "down", "color": RED, "index": 0},
                                        "1": {"text": "up", "color": GREEN, "index": 1}}}]
OUTCOMES = [{"type": "value", "options": {"failure": {"color": RED, "index": 0},
                                          "inconclusive": {"color": YELLOW, "index": 1}}}]
# As the alerts have it: a ticket 30 days before, an urgent one 7 days before.
DEADLINE = steps((None, RED), (7 * 86400, YELLOW), (30 * 86400, GREEN))
ENDED = [{"type": "range", "options": {"from": None, "to": 0, "result": {"text": "ended", "color": RED, "index": 0}}}]


USED_UP = [{"type": "range", "options": {"from": None, "to": 0, "result": {"text": "used up", "color": RED, "index": 0}}}]


def nothing(text):
    """What a single figure says, in grey, when there is none."""
    return [{"type": "special", "options": {"match": "null+nan", "result": {"text": text, "color": GREY, "index": 9}}}]


def told_by(kind, more=""):
    """What a panel says that only one kind of resource fills: there is none, or its exporter is silent."""
    return f"nothing told: the kind {kind}{more} tells it"


TEXT = {"custom.cellOptions": {"type": "color-text"}}
DASHBOARDS = [("m365mon-overview", "Overview"), ("m365mon-resource", "Resource"),
              ("m365mon-accounts", "Accounts"), ("m365mon-services", "Services"),
              ("m365mon-tenant", "Tenant"), ("m365mon-locations", "Locations"), ("m365mon-exporter", "Exporter")]
RESOURCE_VARS = ["datasource", "job", "account", "kind", "resource", "location"]


def to_dashboard(uid, title, **variables):
    """A link in a table that carries fields of its row."""
    query = "".join(f"&var-{name}=${{__data.fields.{field}}}" for name, field in variables.items())
    return [{"title": title, "url": f"/d/{uid}?${{datasource:queryparam}}{query}&${{__url_time_range}}"}]


TO_RESOURCE = [*to_dashboard("m365mon-resource", "This resource", account="account", resource="resource"),
               {"title": "On the exporter's page", "url": "${exporter}/resources/${__data.fields.resource}", "targetBlank": True}]
TO_ACCOUNT = [{"title": "On the exporter's page", "url": "${exporter}/accounts/${__data.fields.account}", "targetBlank": True}]
TO_RUNBOOK = [{"title": "What it means, and what to do", "targetBlank": True,
               "url": "${runbooks}/reasons/${__value.text}"}]


def updown_timeline(d, title, description, expr, legend_format, w, h, **more):
    d.panel("state-timeline", title, description, [q(expr, legend_format)], w=w, h=h, mappings=UPDOWN,
            thresholds=steps((None, RED), (1, GREEN)), color={"mode": "thresholds"},
            custom={"fillOpacity": 80, "lineWidth": 0},
            options={"mergeValues": True, "showValue": "never", "rowHeight": 0.85, "alignValue": "left",
                     "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
                     "tooltip": {"mode": "single", "sort": "none"}}, **more)


def bars(d, title, description, targets, **more):
    """Counts, one stack of bars a step: what `grown` gives."""
    more.setdefault("no_value", "none was counted")
    d.panel("timeseries", title, description, targets, decimals=0, minimum=0, interval="1m",
            custom={**lines(fill=70, lineWidth=0, stacking={"mode": "normal", "group": "A"}), "drawStyle": "bars"},
            **{"options": legend(("sum",), "table", "right"), **more})


def worst(count, per, up):
    """The series that were up least in the time shown."""
    return f"on ({per}) bottomk({count}, min by ({per}) (avg_over_time({up}[$__range] @ end())))"


def worst_first(expr, per, up, by="min"):
    """`expr` with the series that were down at some time of those shown before the others; with
    `by="max"` down from everywhere.

    Prometheus sorts by labels in their order: the new one comes first.
    """
    was_down = f"on ({per}) ({by} by ({per}) (avg_over_time({up}[$__range] @ end())) < 1)"
    return (f'label_replace({expr} and {was_down}, "_", "0", "", "") or on ({per}) '
            f'label_replace({expr}, "_", "1", "", "")')


def overview():
    d = Dashboard("m365mon-overview", "Microsoft 365: Overview",
                  "Is Microsoft 365 working for us, and until when?", RESOURCE_VARS, refresh="30s")
    up = f"m365_resource_up{{{SEL}}}"
    # Nothing watched is grey, never green: `watched` is nothing where no exporter tells.
    watched = f"count(m365_resource_interval_seconds{{{SEL}}}) * 0"
    known = f"last_over_time(m365_resource_interval_seconds{{{SEL}}}[1h])"
    exporters = 'up{job=~".*m365mon.*", job!~".*probe.*"}'
    d.panel("stat", "Exporters gone", "Targets that Prometheus cannot scrape: what they watch is not known.",
            [q(f"count({exporters} == 0) or count({exporters}) * 0", instant=True)], w=3, h=4,
            thresholds=steps((None, GREY), (0, GREEN), (1, RED)), options=STAT, decimals=0, no_value="no exporter")
    d.panel("stat", "Resources up", "Resources that work from every place that probes them.",
            [q(f"count(min by ({RESOURCE}) (max by ({ID}) ({up})) == 1) or {watched}", instant=True)], w=3, h=4,
            thresholds=steps((None, GREY), (1, GREEN)), options=STAT, decimals=0, no_value="nothing is watched")
    d.panel("stat", "Resources down", "Resources that do not work from at least one place.",
            [q(f"count(min by ({RESOURCE}) (max by ({ID}) ({up})) == 0) or {watched}", instant=True)], w=3, h=4,
            thresholds=steps((None, GREY), (0, GREEN), (1, RED)), options=STAT, decimals=0, no_value="nothing is watched")
    d.panel("stat", "Resources unknown", "Watched within the last hour, but without a fresh conclusive probe from any place: nobody knows whether they work.",
            [q(f"count(count by ({RESOURCE}) ({known}) unless count by ({RESOURCE}) ({up})) or {watched}", instant=True)], w=3, h=4,
            thresholds=steps((None, GREY), (0, GREEN), (1, YELLOW)), options=STAT, decimals=0, no_value="nothing is watched")
    d.panel("stat", "Accounts in trouble", "Accounts whose last token request did not succeed.",
            [q(f"count(min by (account) (m365_account_up{{{ACC}}}) == 0) or count(m365_account_up{{{ACC}}}) * 0", instant=True)], w=3, h=4,
            thresholds=steps((None, GREY), (0, GREEN), (1, RED)), options=STAT, decimals=0, no_value="none is known")
    d.panel("stat", "Availability, 30 days", "Share of conclusive probes that succeeded, over all selected resources.",
            [q(f"sum(m365:resource_probes_good:increase30d{{{REC}}}) / (sum(m365:resource_probes_valid:increase30d{{{REC}}}) > 0)", instant=True)],
            w=5, h=4, unit="percentunit", decimals=3, thresholds=steps((None, GREY), (0, RED), (0.99, YELLOW), (0.999, GREEN)),
            options=STAT, mappings=nothing("no data yet"), no_value="no data yet")
    d.panel("stat", "First credential to end", "Time until the first credential ends that only a person can replace.",
            [q(f"min(m365_credential_expiry_timestamp_seconds{{{ACC}}}) - time()", instant=True)], w=4, h=4, unit="s",
            thresholds=DEADLINE, options=STAT, mappings=ENDED + nothing("none is known"))
    firing = '(time() - ALERTS_FOR_STATE{alertname=~"M365.+", alertname!="M365Watchdog"}) and ignoring (alertstate) ALERTS{alertstate="firing"}'
    # By the alphabet notes would come first.
    for rank, severity in enumerate(("page", "ticket", "info"), 1):
        firing = f'label_replace({firing}, "rank", "{rank}", "severity", "{severity}")'
    # What only some alerts have shares a column: one each would leave no room for any.
    more = '"credential", "application", "host", "sku", "service", "status", "gate", "reference", "cause", "rule_group"'
    firing = f'max without ({more.replace(chr(34), "")}) (label_join({firing}, "more", " ", {more}))'
    d.panel("table", "What is alarmed now", "Alerts that fire: pages first, then tickets and notes. What an inhibition keeps from people is here too.",
            [table(f"sort_desc({firing})")],
            w=24, h=7, options={"showHeader": True, "cellHeight": "sm"}, custom={"minWidth": 95},
            transformations=[{"id": "sortBy", "options": {"fields": {}, "sort": [{"field": "rank", "desc": False}]}},
                             organize({"Value": "for", "alertname": "alert"}, exclude=["alertstate", "rank"], keep=("instance",),
                                      order=["severity", "alertname", "resource", "location", "Value", "owner", "account", "kind", "more", "instance"])],
            overrides=[override("for", unit="s", decimals=0, **{"custom.width": 110}),
                       override("severity", mappings=[{"type": "value", "options": {
                           "page": {"color": RED, "index": 0}, "ticket": {"color": YELLOW, "index": 1}, "info": {"color": BLUE, "index": 2}}}], **{**TEXT, "custom.width": 90}),
                       override("alert", links=[{"title": "What it means, and what to do", "targetBlank": True, "url": "${runbooks}/${__value.text}"}], **{"custom.width": 250}),
                       override("resource", links=TO_RESOURCE, **{"custom.width": 190}), override("more", **{"custom.width": 220})], no_value="nothing is alarmed, if Prometheus has the rules")
    d.panel("table", "What is down or unknown, since when, and why",
            "One line for each resource, account and place whose last probe did not succeed. `last success`: how long ago it last worked.",
            # One query, so that each location keeps its own line. -1: no success is known.
            [table(f"max by ({ID}, outcome, reason) (m365_resource_problem{{{SEL}}}) * on ({ID}) group_left () "
                   f"(time() - max by ({ID}) (m365_resource_last_success_timestamp_seconds{{{SEL}}})) "
                   f"or on ({ID}) (max by ({ID}, outcome, reason) (m365_resource_problem{{{SEL}}}) * -1)")],
            w=16, h=9, options={"showHeader": True, "cellHeight": "sm", "sortBy": [{"displayName": "last success", "desc": True}]}, custom={"minWidth": 95},
            transformations=[organize({"Value": "last success"},
                                      order=["resource", "outcome", "reason", "Value", "location", "account", "kind"])],
            overrides=[override("last success", unit="s", decimals=0, mappings=[
                           {"type": "value", "options": {"-1": {"text": "none yet", "index": 0}}}]),
                       override("outcome", mappings=OUTCOMES, **{**TEXT, "custom.width": 105}),
                       override("reason", links=TO_RUNBOOK),
                       override("resource", links=TO_RESOURCE, **{"custom.width": 170})], no_value="no exporter tells of a problem")
    d.panel("bargauge", "Error budget left, 30 days", "100 % is untouched, 0 % is used up. The six with the least, the worst first; the table below has more.",
            [q(f"sort(bottomk(6, m365:resource_error_budget_remaining:ratio30d{{{REC}}}))", "{{resource}} {{location}}", instant=True)],
            w=8, h=9, unit="percentunit", minimum=0, maximum=1, decimals=0, mappings=USED_UP, thresholds=steps((None, RED), (0.25, YELLOW), (0.5, GREEN)),
            color={"mode": "thresholds"},
            options={"displayMode": "basic", "orientation": "horizontal", "showUnfilled": True, "namePlacement": "top", "valueMode": "color",
                     "maxVizHeight": 40, "minVizHeight": 14, "sizing": "auto",
                     "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}, no_value="no data yet")
    updown_timeline(d, "When the twenty worst were down",
                    "Resources over time, down where one place sees them down; those that were up least in the time shown. A gap: no conclusive probe.",
                    worst_first(f"min by ({RESOURCE}) ({up}) and {worst(20, RESOURCE, up)}", RESOURCE, up), "{{resource}}", 24, 10)
    budget = f"m365:resource_error_budget_remaining:ratio30d{{{REC}}}"
    allowed = f"(1 - m365:resource_objective:ratio{{{REC}}})"
    d.panel("table", "Availability, what is left of the budget, and how fast it goes",
            "The worst twenty. Burn: 1 uses the 30-day budget up in 30 days, 14 in two. `used up in`: at the pace of the last day.",
            [table(f"max by ({ID}) (1 - m365:resource_errors:ratio1h{{{REC}}})"),
             table(f"max by ({ID}) (1 - m365:resource_errors:ratio1d{{{REC}}})"),
             table(f"max by ({ID}) (m365:resource_availability:ratio30d{{{REC}}})"),
             table(f"bottomk(20, max by ({ID}) ({budget}))"),
             table(f"max by ({ID}) (m365:resource_errors:ratio1h{{{REC}}} / {allowed})"),
             table(f"max by ({ID}) (m365:resource_errors:ratio1d{{{REC}}} / {allowed})"),
             table(f"max by ({ID}) (clamp_min({budget}, 0) * 30 * 86400 / (m365:resource_errors:ratio1d{{{REC}}} / {allowed} > 0))")],
            w=24, h=9, options={"showHeader": True, "cellHeight": "sm", "sortBy": [{"displayName": "budget left", "desc": False}]}, custom={"minWidth": 95},
            transformations=[{"id": "merge", "options": {}},
                             # What is among the worst twenty has a budget.
                             {"id": "filterByValue", "options": {"type": "include", "match": "all", "filters": [{"fieldName": "Value #D", "config": {"id": "isNotNull", "options": {}}}]}},
                             organize({"Value #A": "1 h", "Value #B": "1 day", "Value #C": "30 days", "Value #D": "budget left", "Value #E": "burn, 1 h", "Value #F": "burn, 1 day", "Value #G": "used up in"},
                                      order=["resource", "location", "Value #A", "Value #B", "Value #C", "Value #D", "Value #E", "Value #F", "Value #G", "account", "kind"])],
            overrides=[override_matching("/^(1 h|1 day|30 days)$/", unit="percentunit", decimals=3, thresholds=steps((None, RED), (0.99, YELLOW), (0.999, "text")), color={"mode": "thresholds"}, **TEXT),
                       override("budget left", unit="percentunit", decimals=0, mappings=USED_UP, thresholds=steps((None, RED), (0.25, YELLOW), (0.5, "text")), color={"mode": "thresholds"}, **TEXT),
                       override_matching("/^burn/", decimals=1, thresholds=steps((None, "text"), (3, YELLOW), (6, RED)), color={"mode": "thresholds"}, **TEXT),
                       override("used up in", unit="s", decimals=0, noValue="not at this pace", mappings=[{"type": "value", "options": {"0": {"text": "used up", "color": RED, "index": 0}}}]),
                       override("resource", links=TO_RESOURCE, **{"custom.width": 250})], no_value="no data yet")
    d.panel("timeseries", "Worst latency", "The five resources with the slowest probe of the time shown: whole request, token time excluded.",
            # The five of the whole time shown, not five at each point: lines without gaps.
            [q(f"max by ({ID}) (m365_resource_latency_seconds{{{SEL}}}) and on ({ID}) topk(5, max by ({ID}) "
               f"(max_over_time(m365_resource_latency_seconds{{{SEL}}}[$__range] @ end())))", "{{resource}} {{location}}")],
            w=14, h=8, unit="s", minimum=0, custom=lines(fill=0), options=legend(("lastNotNull", "max"), "table", "right"))
    credentials_that_end(d, "Credentials that end soon", 10, 8)
    return d


def credentials_that_end(d, title, w, h):
    d.panel("table", title, "Every credential with a known end that a person must replace, the nearest first. What renews itself is not here.",
            [table(f"sort(min by (account, credential, location) (m365_credential_expiry_timestamp_seconds{{{ACC}}}) - time())")],
            w=w, h=h, options={"showHeader": True, "cellHeight": "sm", "sortBy": [{"displayName": "ends in", "desc": False}]},
            custom={"minWidth": 100}, transformations=[organize({"Value": "ends in"}, order=["account", "credential", "location", "Value"])],
            overrides=[override("ends in", unit="s", color={"mode": "thresholds"}, thresholds=DEADLINE, mappings=ENDED,
                                **{"custom.cellOptions": {"type": "color-background", "mode": "basic"}})],
            no_value="no exporter tells of a credential with a known end")


def in_phases():
    """None of them is red: that is for what is wrong."""
    return [override(phase, color={"mode": "fixed", "fixedColor": color})
            for phase, color in zip(PHASES, ("purple", BLUE, YELLOW, "orange", GREEN))]


def resource():
    d = Dashboard("m365mon-resource", "Microsoft 365: Resource", "One resource from all sides.", RESOURCE_VARS, refresh="30s",
                  single=("resource",))
    each = "account, kind, resource, location, instance"
    ago = f"time() - max by (instance) (m365_resource_last_%s_timestamp_seconds{{{SEL}}})"
    d.panel("table", "How it is now, from every place", "One line for each exporter that probes it, or did within the hour. A cell is empty where nothing is known, as the status where no answer came.",
            [table(f"max by ({each}) (m365_resource_up{{{SEL}}}) or max by ({each}) (m365_resource_interval_seconds{{{SEL}}}) * 0 - 1 "
                   # A place whose exporter died is a line too: else the others would be all there is.
                   f"or max by ({each}) (last_over_time(m365_resource_interval_seconds{{{SEL}}}[1h])) * 0 - 2"),
             table(f"max by (instance, reason) (m365_resource_problem{{{SEL}}})"),
             table(f"max by (instance) (m365_resource_http_status{{{SEL}}})"),
             table(f"max by (instance) (m365_resource_consecutive_failures{{{SEL}}})"),
             table(f"max by (instance) (m365_resource_latency_seconds{{{SEL}}})"),
             table(ago % "probe"), table(f"{ago % 'success'} or (max by (instance) (m365_resource_interval_seconds{{{SEL}}}) * 0 - 1)"),
             table(f"max by (instance) (m365_resource_interval_seconds{{{SEL}}})"), table(f"max by (instance) (m365_resource_timeout_seconds{{{SEL}}})"),
             table(f"min by (instance) (m365_resource_token_expiry_timestamp_seconds{{{SEL}}}) - time()")],
            w=24, h=6, options={"showHeader": True, "cellHeight": "sm"}, custom={"minWidth": 90},
            transformations=[
                {"id": "joinByField", "options": {"byField": "instance", "mode": "outer"}},
                {"id": "organize", "options": {
                    "excludeByName": {"instance": True, "resource": True, "kind": True, "Value #B": True, **{f"Time {n}": True for n in range(1, 11)}},
                    "indexByName": {name: i for i, name in enumerate(
                        ["location", "account", "Value #A", "reason", "Value #C", "Value #D", "Value #E", "Value #F", "Value #G", "Value #H", "Value #I", "Value #J"])},
                    "renameByName": {"Value #A": "state", "Value #C": "status", "Value #D": "failures in a row", "Value #E": "latency", "Value #F": "last probe",
                                     "Value #G": "last success", "Value #H": "interval", "Value #I": "timeout", "Value #J": "access ends in"}}}],
            overrides=[override("state", color={"mode": "thresholds"}, thresholds=steps((None, GREY), (-1, YELLOW), (0, RED), (1, GREEN)),
                                mappings=[*UPDOWN, {"type": "value", "options": {"-1": {"text": "unknown", "color": YELLOW, "index": 2}, "-2": {"text": "not told any more", "color": GREY, "index": 3}}}],
                                **{"custom.cellOptions": {"type": "color-background", "mode": "basic"}}),
                       override("reason", links=TO_RUNBOOK, noValue="–"), override("status", unit="none", noValue="–"), override("latency", noValue="–"),
                       override("last success", mappings=[{"type": "value", "options": {"-1": {"text": "never", "index": 0}}}]),
                       override("failures in a row", color={"mode": "thresholds"}, thresholds=steps((None, "text"), (1, YELLOW), (2, RED)), **TEXT),
                       *[override(name, unit="s", decimals=decimals) for name, decimals in
                         (("latency", 2), ("last probe", 0), ("last success", 0), ("interval", 0), ("timeout", 1))],
                       override("access ends in", unit="s", color={"mode": "thresholds"}, thresholds=DEADLINE, mappings=ENDED + nothing("–"), **TEXT)],
            no_value="no exporter tells anything of such a resource")
    updown_timeline(d, "Outcome over time", "Up and down from every place; a gap: no conclusive probe.",
                    f"max by ({ID}) (m365_resource_up{{{SEL}}})", "{{resource}} {{location}}", 24, 5)
    d.panel("timeseries", "Where the time goes", "Phases of successful probes, stacked: name resolution, TCP, TLS, waiting for the answer, reading it; the mean of the places.",
            # One query a phase: in the order in which they happen.
            [q(f'avg by (phase) (m365_resource_phase_latency_seconds{{{SEL}, phase="{phase}"}})', "{{phase}}") for phase in PHASES],
            w=12, h=9, unit="s", minimum=0,
            custom=lines(fill=40, stacking={"mode": "normal", "group": "A"}), options=legend(("mean", "max"), "table", "right"), overrides=in_phases())
    d.panel("timeseries", "Latency against the limit", "Whole request, logarithmic; median and 95th percentile of the last hour; dashed: the limit of the rules. The slowest, where several are selected.",
            [q(f"max by (location) (m365_resource_latency_seconds{{{SEL}}})", "now {{location}}"),
             q(f"max(m365:resource_latency_seconds:p50_1h{{{REC}}})", "median of 1 h"),
             q(f"max(m365:resource_latency_seconds:p95_1h{{{REC}}})", "95 % of 1 h"),
             q(f"min(m365:resource_latency_limit:seconds{{{REC}}})", "limit")], w=12, h=9, unit="s",
            custom=lines(fill=0, scaleDistribution={"type": "log", "log": 2}), options=legend(("lastNotNull", "max"), "table", "right"),
            overrides=[override("limit", color={"mode": "fixed", "fixedColor": RED}, **{"custom.lineStyle": {"fill": "dash", "dash": [8, 6]}}),
                       override("median of 1 h", color={"mode": "fixed", "fixedColor": "text"}, **{"custom.lineWidth": 2}),
                       override("95 % of 1 h", color={"mode": "fixed", "fixedColor": "purple"}, **{"custom.lineWidth": 2})])
    d.panel("heatmap", "How latency is spread", "Successful probes by duration; a point is an exemplar with Microsoft's request id.",
            [q(f"sum by (le) (increase(m365_resource_probe_duration_seconds_bucket{{{SEL}}}[$__rate_interval]))", "{{le}}", fmt="heatmap", exemplar=True)],
            w=12, h=9, unit="s", no_value="no success was counted", options={"calculate": False, "yAxis": {"unit": "s", "axisPlacement": "left"},
                                          "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64},
                                          "cellGap": 1, "exemplars": {"color": "rgba(255,0,255,0.7)"},
                                          "rowsFrame": {"layout": "auto"}, "showValue": "never",
                                          "tooltip": {"show": True, "yHistogram": False}, "legend": {"show": True}})
    bars(d, "Why probes did not succeed", "Their number, by reason.",
         [q(grown("m365_resource_probe_problems_total", SEL, "outcome, reason"), "{{outcome}}: {{reason}}", exemplar=True)],
         w=12, h=9, overrides=shaded(failure=RED, inconclusive=YELLOW))
    d.panel("timeseries", "Microsoft's own figure beside ours", "How long the service says that it worked on the request, and what is felt here.",
            [q(f"max by (location) (m365_resource_server_latency_seconds{{{SEL}}})", "Microsoft {{location}}"),
             q(f"max by (location) (m365_resource_latency_seconds{{{SEL}}} and on ({ID}) m365_resource_server_latency_seconds{{{SEL}}})", "felt {{location}}")],
            w=12, h=6, unit="s", minimum=0, custom=lines(fill=0), options=legend(("mean", "max"), "table", "right"),
            no_value="nothing told: only SharePoint's own REST tells it")
    bars(d, "Probes by outcome", "Their number.", [q(grown("m365_resource_probes_total", SEL, "outcome"), "{{outcome}}")], w=12, h=6,
         overrides=by_outcome())
    d.row("Kinds that need several requests", collapsed=True)
    d.panel("timeseries", "Where the time goes, step by step", "A mail or a file that goes round: the last request of each step; the mean of the places.",
            [q(f"avg by (resource, step) (m365_resource_step_latency_seconds{{{SEL}}})", "{{resource}} {{step}}")],
            w=24, h=7, unit="s", minimum=0, no_value="nothing told: only kinds of several requests have steps",
            custom=lines(fill=0), options=legend(("mean", "max"), "table", "right"))
    # Prometheus names the target of such a resource after it: its instance is the resource.
    d.row("Probed by Prometheus through /probe (mode on_probe)", collapsed=True)
    probed = 'instance=~"$resource"'
    none = "nothing told: only mode on_probe fills this"
    updown_timeline(d, "Probe succeeded", "The verdict of each scrape of /probe; a gap is an inconclusive one.",
                    f"max by (instance) (probe_success{{{probed}}})", "{{instance}}", 12, 6, no_value=none)
    d.panel("timeseries", "Probe duration against its timeout", "Waiting for a token included.",
            [q(f"max by (instance) (probe_duration_seconds{{{probed}}})", "{{instance}}"),
             q(f"max by (instance) (probe_timeout_seconds{{{probed}}})", "timeout {{instance}}")], w=12, h=6, unit="s",
            custom=lines(fill=0, scaleDistribution={"type": "log", "log": 2}), options=legend(("mean", "max"), "table", "right"), no_value=none)
    d.panel("timeseries", "Probe in phases", "Stacked; dashed: name resolution as the blackbox exporter tells it too.",
            [*(q(f'avg by (phase) (probe_http_duration_seconds{{{probed}, phase="{phase}"}})', "{{phase}}") for phase in PHASES),
             q(f"avg(probe_dns_lookup_time_seconds{{{probed}}})", "name resolution")], w=12, h=8, unit="s", minimum=0,
            custom=lines(fill=40, stacking={"mode": "normal", "group": "A"}), options=legend(("mean", "max"), "table", "right"), no_value=none,
            overrides=[*in_phases(), override("name resolution", **{"custom.stacking": {"mode": "none"}, "custom.fillOpacity": 0,
                                                      "custom.lineStyle": {"fill": "dash", "dash": [4, 6]}})])
    d.panel("table", "How the last probe went", "Status and version of HTTP, whether over TLS, version of IP; 0 without an answer.",
            [table(f"max by (instance) (probe_http_status_code{{{probed}}})"), table(f"max by (instance) (probe_http_version{{{probed}}})"),
             table(f"max by (instance) (probe_http_ssl{{{probed}}})"), table(f"max by (instance) (probe_ip_protocol{{{probed}}})"),
             table(f"min by (instance) (probe_ssl_earliest_cert_expiry{{{probed}}}) - time()"),
             table(f"max by (instance, version) (probe_tls_version_info{{{probed}}})")],
            w=12, h=8, options={"showHeader": True, "cellHeight": "sm"}, custom={"minWidth": 70},
            transformations=[{"id": "joinByField", "options": {"byField": "instance", "mode": "outer"}},
                             {"id": "organize", "options": {
                                 "excludeByName": {"Value #F": True, **{f"Time {n}": True for n in range(1, 7)}}, "indexByName": {},
                                 "renameByName": {"instance": "resource", "Value #A": "status", "Value #B": "HTTP", "Value #C": "TLS",
                                                  "Value #D": "IP", "Value #E": "certificate ends in", "version": "TLS version"}}}],
            overrides=[override("resource", **{"custom.width": 150}), override("certificate ends in", unit="s", noValue="–", **{"custom.width": 145}), override("status", unit="none", noValue="–"),
                       override("TLS", mappings=[{"type": "value", "options": {"0": {"text": "no", "index": 0}, "1": {"text": "yes", "index": 1}}}])],
            no_value=none)
    return d


def accounts():
    d = Dashboard("m365mon-accounts", "Microsoft 365: Accounts and credentials", "Who signs in how, until when, and what Entra says.",
                  ["datasource", "job", "account"], annotations=False)
    d.panel("table", "What is wrong now", "Accounts whose last token request did not succeed, with the reason. `sign_in_required` is for a person.",
            [table(f"max by (account, outcome, reason, location) (m365_account_problem{{{ACC}}})")], w=10, h=7,
            options={"showHeader": True, "cellHeight": "sm"},
            transformations=[organize(exclude=["Value"], order=["account", "reason", "outcome", "location"])],
            overrides=[override("reason", links=TO_RUNBOOK), override("account", links=TO_ACCOUNT), override("outcome", mappings=OUTCOMES, **TEXT)], no_value="no exporter tells of a problem")
    d.panel("table", "Accounts and how they sign in", "One line per account, and whether the last token request succeeded everywhere.",
            [table(f"max by (account, tenant, cloud, credential) (m365_account_info{{{ACC}}}) * on (account) group_left () min by (account) (m365_account_up{{{ACC}}})")],
            w=14, h=7, options={"showHeader": True, "cellHeight": "sm", "sortBy": [{"displayName": "state", "desc": False}]},
            transformations=[organize({"Value": "state"}, order=["account", "Value", "credential", "tenant", "cloud"])],
            overrides=[override("state", color={"mode": "thresholds"}, thresholds=steps((None, RED), (1, GREEN)),
                                mappings=[{"type": "value", "options": {"0": {"text": "no token", "color": RED, "index": 0},
                                                                        "1": {"text": "works", "color": GREEN, "index": 1}}}], **TEXT),
                       override("tenant", **{"custom.width": 230}), override("account", links=TO_ACCOUNT)], no_value="no exporter tells of an account")
    updown_timeline(d, "When tokens could be had", "The last token request of each account; red: from one place at least it did not succeed.",
                    f"min by (account) (m365_account_up{{{ACC}}})", "{{account}}", 10, 6)
    credentials_that_end(d, "Which credential ends when", 9, 6)
    d.panel("stat", "Rights beyond need", "Permissions that were granted but are not needed, by account.",
            [q(f"max by (account) (m365_account_excess_permissions{{{ACC}}})", "{{account}}")], w=5, h=6, decimals=0,
            thresholds=steps((None, GREEN), (1, YELLOW)), options={**STAT, "textMode": "value_and_name"}, mappings=nothing("not known"))
    bars(d, "Token requests that did not succeed, by code", "Their number, by reason and Entra's AADSTS code, where it gave one.",
         [q(grown("m365_token_request_problems_total", ACC, "account, reason, code"), "{{account}} {{reason}} {{code}}")], w=12, h=8, no_value="none was counted",
         color={"mode": "shades", "fixedColor": RED})
    bars(d, "Token requests by outcome", "Their number.",
         [q(grown("m365_token_requests_total", ACC, "outcome"), "{{outcome}}")], w=12, h=8, overrides=by_outcome())
    d.panel("timeseries", "How long a token request takes", "95th percentile of the last hour: tokens live that long, so there are few.",
            [q(f"histogram_quantile(0.95, sum by (account, le) (rate(m365_token_request_duration_seconds_bucket{{{ACC}}}[1h]))) >= 0", "{{account}}")],
            w=12, h=7, unit="s", minimum=0, custom=lines(fill=0), options=legend(("lastNotNull", "max"), "table", "right"), no_value="no token request was counted")
    d.panel("timeseries", "How long the access tokens held are good", "Time to the first end, by audience; they renew themselves.",
            [q(f"clamp_min(min by (account, audience) (m365_access_token_expiry_timestamp_seconds{{{ACC}}}) - time(), 0)", "{{account}} {{audience}}")], w=12, h=7,
            unit="s", minimum=0, custom=lines(fill=0), options=legend(("lastNotNull",), "table", "right"))
    bars(d, "Answers that throttle us", "429, 509 and their relatives, per service.",
         [q(grown("m365_throttled_responses_total", ACC, "account, gate"), "{{account}} {{gate}}")], w=8, h=8, no_value="none was counted",
         color={"mode": "shades", "fixedColor": YELLOW},
         options=legend(("sum",)))
    d.panel("timeseries", "Waiting because Microsoft asked", "Time left until the gate opens.",
            [q(f"max by (account, gate) (m365_throttled_until_timestamp_seconds{{{ACC}}}) - time() > 0", "{{account}} {{gate}}")], w=8, h=8, unit="s",
            minimum=0, custom={**lines(fill=70, lineWidth=0), "drawStyle": "bars"}, options=legend(("max",)), no_value="no exporter tells that it waits",
            color={"mode": "shades", "fixedColor": YELLOW})
    d.panel("timeseries", "Rate limit left", "What is left of SharePoint's limit; told only from 80 % of it on.",
            [q(f"min by (account, gate) (m365_rate_limit_remaining_ratio{{{ACC}}})", "{{account}} {{gate}}")], w=8, h=8, unit="percentunit",
            minimum=0, maximum=1, custom=lines(fill=0, showPoints="auto"), options=legend(), no_value="nothing told: the service speaks only near the limit")
    return d


def locations():
    d = Dashboard("m365mon-locations", "Microsoft 365: Locations", "The same resource from every place.", RESOURCE_VARS)
    some = 'account=~"$account", kind=~"$kind", resource=~"$resource"'
    up = f"m365_resource_up{{{SEL}}}"
    d.panel("stat", "Locations", "From how many places the selected resources are probed.",
            [q(f"count(count by (location) (m365_resource_interval_seconds{{{SEL}}}))")], w=4, h=6, decimals=0, thresholds=steps((None, BLUE)), options=STAT, no_value="none is known")
    d.panel("stat", "Down from half of the places or more", "Resources that at least half of their locations see down.",
            [q(f"count(m365:resource_quorum_up:bool{{{some}}} == 0) or count(m365_resource_interval_seconds{{{SEL}}}) * 0")], w=6, h=6,
            decimals=0, thresholds=steps((None, GREY), (0, GREEN), (1, RED)), options=STAT, no_value="nothing is watched")
    d.panel("table", "Places and their exporters", "Who watches from where, and whether it is there.",
            [table('max by (location, instance) (up{job=~"$job"} * on (instance, job) group_left (location) (m365:exporter_place:info))')],
            w=14, h=6, options={"showHeader": True, "cellHeight": "sm", "sortBy": [{"displayName": "scraped", "desc": False}]},
            transformations=[organize({"Value": "scraped", "location": "place"}, keep=("instance",), order=["location", "instance", "Value"])],
            overrides=[override("scraped", mappings=UPDOWN, **{"custom.cellOptions": {"type": "color-background", "mode": "basic"}, "custom.width": 110})],
            no_value="no exporter is known")
    d.panel("table", "Where places disagree", "Who sees down what other places see up: it is the place's network, or a part of Microsoft's.",
            [table(f"max by ({ID}, reason) (m365_resource_problem{{{SEL}}}) and on ({ID}) (max by ({ID}) ({up}) == 0) and on ({RESOURCE}) (m365:resource_locations_down:count{{{some}}} > 0 < m365:resource_locations:count{{{some}}})")],
            w=24, h=6, options={"showHeader": True, "cellHeight": "sm"},
            transformations=[organize({"location": "is down from", "reason": "for"}, exclude=["Value"], order=["resource", "location", "reason", "account", "kind"])],
            overrides=[override("for", links=TO_RUNBOOK), override("resource", links=TO_RESOURCE)], no_value="no place tells anything else than another")
    updown_timeline(d, "The ten worst resources from every place", "One line per resource and location, for the resources that were up least in the time shown.",
                    # Prometheus sorts by labels in their order: the new one comes first, and keeps a resource's lines together.
                    f'label_join(max by ({ID}) ({up}) and {worst(10, RESOURCE, up)}, "_", " ", "resource", "location")',
                    "{{resource}} {{location}}", 24, 16)
    d.panel("timeseries", "Latency by place", "Median over the selected resources.",
            [q(f"quantile by (location) (0.5, m365_resource_latency_seconds{{{SEL}}})", "median {{location}}")], w=12, h=8, unit="s", minimum=0, custom=lines(fill=0),
            options=legend(("mean", "max"), "table", "right"))
    d.panel("bargauge", "Availability by place, one day", "Share of conclusive probes that succeeded; the scale begins at 90 %.",
            [q(f"sum by (location) (m365:resource_probes_good:increase1d{{{REC}}}) / (sum by (location) (m365:resource_probes_valid:increase1d{{{REC}}}) > 0)", "place {{location}}", instant=True)],
            w=12, h=8, unit="percentunit", decimals=2, minimum=0.9, maximum=1, thresholds=steps((None, RED), (0.99, YELLOW), (0.999, GREEN)), color={"mode": "thresholds"},
            options={"displayMode": "basic", "orientation": "horizontal", "showUnfilled": True, "namePlacement": "left", "valueMode": "color", "maxVizHeight": 50, "minVizHeight": 14, "sizing": "auto",
                     "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}, no_value="no data yet")
    d.row("Is it our network?")
    grade = steps((None, RED), (40, YELLOW), (80, GREEN))
    bar = {"displayMode": "basic", "orientation": "horizontal", "showUnfilled": True, "namePlacement": "left", "valueMode": "color", "maxVizHeight": 40, "minVizHeight": 14,
           "sizing": "auto", "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
    d.panel("bargauge", "The way to Microsoft, by place", "Microsoft's own grades for the TCP connect to its front doors, median of three days: 100 at 10 ms, 80 at 25 ms, 60 at 100 ms, 20 at 300 ms. "
            "Only what is connected anew and without a proxy.",
            [q('sort(m365:location_network:points{location=~"$location"})', "place {{location}}", instant=True)],
            w=6, h=8, minimum=0, maximum=100, decimals=0, thresholds=grade, color={"mode": "thresholds"}, options=bar, no_value="no way without a proxy, or no data")
    d.panel("bargauge", "By place and host", "The same for each host.",
            [q('sort(m365:location_host_network:points{location=~"$location"})', "{{location}} {{host}}", instant=True)],
            w=11, h=8, minimum=0, maximum=100, decimals=0, thresholds=grade, color={"mode": "thresholds"}, options={**bar, "namePlacement": "top"}, no_value="no way without a proxy, or no data")
    d.panel("timeseries", "TCP connect by place", "Median over the selected resources, in five minutes.",
            [q(f"quantile by (location) (0.5, m365:resource_connect_seconds:p50_5m{{{REC}}})", "place {{location}}")], w=7, h=8, unit="s", minimum=0, custom=lines(fill=0),
            options=legend(("mean", "max")), no_value="no way without a proxy, or no data")
    return d


def services():
    d = Dashboard("m365mon-services", "Microsoft 365: Services", "What we see beside what Microsoft says, and how mail travels.", RESOURCE_VARS)
    up = f"m365_resource_up{{{SEL}}}"
    updown_timeline(d, "What we see: the twenty worst", "Resources of all kinds, up in at least one place; those that were up least in the time shown.",
                    worst_first(f"max by ({RESOURCE}) ({up}) and {worst(20, RESOURCE, up)}", RESOURCE, up, "max"), "{{resource}}", 12, 10)
    updown_timeline(d, "What Microsoft says", "Green: operational. Microsoft's word is written by hand and comes late.",
                    f'max by (service) (m365_service_status{{{SEL}, status="operational"}})', "{{service}}", 12, 10, no_value=told_by("service_health"))
    d.panel("timeseries", "Open issues", "Issues that Microsoft calls open, by service and class.",
            [q(f"max by (service, classification) (m365_service_open_issues{{{SEL}}}) > 0", "{{service}} {{classification}}")], w=8, h=8, decimals=0, minimum=0,
            custom=lines(fill=10), options=legend(), no_value="no open issue was told")
    d.panel("timeseries", "Age of the oldest open issue", "By Microsoft's own word.",
            [q(f"time() - min by (service) (m365_service_oldest_issue_timestamp_seconds{{{SEL}}})", "{{service}}")], w=8, h=8, unit="s", minimum=0,
            custom=lines(fill=0), options=legend(), no_value="no open issue was told")
    d.panel("timeseries", "How long mail travels", "From sent to received, by the times of the service; each direction is a resource of its own.",
            [q(f"max by ({ID}) (m365_mail_delivery_seconds{{{SEL}}})", "{{resource}} {{location}}")], w=8, h=8, unit="s", minimum=0,
            custom=lines(fill=0), options=legend(("mean", "max")), no_value=told_by("mail_round_trip"))
    return d


def tenant():
    d = Dashboard("m365mon-tenant", "Microsoft 365: Tenant", "What runs out and what waits to be done: nobody is woken for it.", RESOURCE_VARS, annotations=False)
    due = steps((None, RED), (3 * 86400, YELLOW), (30 * 86400, GREEN))
    left = {"textMode": "value_and_name", "orientation": "horizontal"}
    fewest = legend(("lastNotNull", "min"), "table", "right")
    d.panel("timeseries", "Licences left", "Paid for and lapsed ones that still work, less those that are assigned; below nothing somebody has to give one back.",
            [q(f'max by (account, sku) (sum by ({ID}, sku) (m365_license_units{{{SEL}, state=~"enabled|warning"}})) - max by (account, sku) (m365_license_consumed_units{{{SEL}}})', "{{account}} {{sku}}")],
            w=12, h=8, decimals=0, custom=lines(fill=0), options={**fewest, "legend": {**fewest["legend"], "sortBy": "Last *", "sortDesc": False}}, no_value=told_by("licenses"),
            thresholds=steps((None, RED), (0, YELLOW), (1, GREEN)), color={"mode": "thresholds", "seriesBy": "last"})
    d.panel("timeseries", "Licences that do not count any more", "lapsed and still working, suspended, or cancelled.",
            [q(f'max by (account, sku, state) (m365_license_units{{{SEL}, state!="enabled"}}) > 0', "{{account}} {{sku}} {{state}}")],
            w=12, h=8, decimals=0, minimum=0, custom=lines(fill=0), options=legend(("lastNotNull",), "table", "right"), no_value="none is told",
            overrides=[override_matching("/ (suspended|locked_out|deleted)$/", color={"mode": "fixed", "fixedColor": RED}),
                       override_matching("/ warning$/", color={"mode": "fixed", "fixedColor": YELLOW})])
    d.panel("stat", "Subscriptions: time to the next state", "Unless they are renewed.",
            [q(f"min by (account, sku) (m365_license_next_lifecycle_timestamp_seconds{{{SEL}}}) - time()", "{{account}} {{sku}}")], w=12, h=6, unit="s", decimals=0,
            thresholds=due, mappings=ENDED, options={**STAT, **left}, no_value=told_by("licenses", " with expiry"))
    d.panel("stat", "Credentials of applications: time left", "Until none is left; what signs for single sign-on is among them.",
            [q(f'min by (account, application, credential) (m365_application_credential_expiry_timestamp_seconds{{{SEL}, end="last"}}) - time()', "{{application}} {{credential}}")],
            w=12, h=6, unit="s", decimals=0, thresholds=due, mappings=ENDED, options={**STAT, **left}, no_value="nothing told: applications that app_credentials names")
    d.panel("timeseries", "Credentials of all applications, by when they end", "Their number; expired ones stay until somebody removes them.",
            [q(f"max by (account, due) (m365_application_credentials{{{SEL}}}) > 0", "{{account}} {{due}}")], w=12, h=8, decimals=0, minimum=0,
            custom=lines(fill=0), options=legend(("lastNotNull",), "table", "right"), no_value=told_by("app_credentials", " with all"),
            # As the colours of what ends: the last is no alarm.
            overrides=[override_matching(f"/ {due}$/", color={"mode": "fixed", "fixedColor": color})
                       for due, color in (("expired", RED), ("7d", "orange"), ("30d", YELLOW), ("90d", BLUE), ("later", GREEN))])
    d.panel("timeseries", "Directory synchronisation: age of the last run", "Entra Connect runs every 30 minutes.",
            [q(f"time() - max by (account) (m365_directory_last_sync_timestamp_seconds{{{SEL}}}) and on (account) max by (account) (m365_directory_sync_enabled{{{SEL}}}) == 1", "{{account}}")],
            w=12, h=8, unit="s", minimum=0, custom=lines(fill=0), options=legend(), no_value=told_by("directory_sync") + ", where there is one")
    d.panel("timeseries", "Messages in the message center", "Microsoft's announcements, by category and severity.",
            [q(f"max by (account, category, severity) (m365_message_center_messages{{{SEL}}}) > 0", "{{category}} {{severity}}")], w=12, h=8, decimals=0, minimum=0,
            custom=lines(fill=0), options=legend(("lastNotNull",), "table", "right"), no_value=told_by("message_center"))
    d.panel("stat", "Time to the next date to act by", "By the message center.",
            [q(f"min by (account) (m365_message_center_next_action_timestamp_seconds{{{SEL}}}) - time()", "{{account}}")], w=4, h=8, unit="s", decimals=0,
            thresholds=due, mappings=ENDED, options={**STAT, **left}, no_value="none is told")
    d.panel("stat", "Apple's push certificate: time left", "Without it Intune reaches no device of Apple's.",
            [q(f"min by (account) (m365_apple_push_certificate_expiry_timestamp_seconds{{{SEL}}}) - time()", "{{account}}")], w=4, h=8, unit="s", decimals=0,
            thresholds=due, mappings=ENDED, options={**STAT, **left}, no_value="none is told")
    d.panel("stat", "Microsoft's address list", "Its version: year, month, day and a number; a new one is a task for whoever keeps the firewall.",
            [q(f"max by (resource) (m365_endpoint_list_version{{{SEL}}})", "{{resource}}")], w=4, h=8, unit="none", decimals=0,
            thresholds=steps((None, BLUE)), options={**STAT, **left}, no_value="none is told")
    d.panel("timeseries", "Messages in folders", "All of them; dashed: unread.",
            [q(f"max by ({RESOURCE}) (m365_mailbox_folder_items{{{SEL}}})", "{{resource}}"),
             q(f"max by ({RESOURCE}) (m365_mailbox_folder_unread_items{{{SEL}}})", "{{resource}} unread")], w=8, h=8, decimals=0, minimum=0,
            custom=lines(fill=0), options=legend(), no_value=told_by("mailbox_folder"),
            overrides=[override_matching("/unread/", **{"custom.lineStyle": {"fill": "dash", "dash": [4, 6]}})])
    d.panel("timeseries", "Age of the oldest message", "In the folders that are watched with oldest.",
            [q(f"time() - min by ({RESOURCE}) (m365_mailbox_folder_oldest_message_timestamp_seconds{{{SEL}}})", "{{resource}}")], w=8, h=8, unit="s", minimum=0,
            custom=lines(fill=0), options=legend(), no_value="nothing told: empty, or not watched with oldest")
    d.panel("timeseries", "Drives: share of the quota", "Solid: what they hold; dashed: what is in the recycle bin. Microsoft's figures are hints.",
            [q(f"max by ({RESOURCE}) (m365_drive_used_bytes{{{SEL}}}) / max by ({RESOURCE}) (m365_drive_quota_bytes{{{SEL}}})", "{{resource}}"),
             q(f"max by ({RESOURCE}) (m365_drive_deleted_bytes{{{SEL}}}) / max by ({RESOURCE}) (m365_drive_quota_bytes{{{SEL}}})", "{{resource}} recycle bin")], w=8, h=8,
            unit="percentunit", minimum=0, decimals=1, custom=lines(fill=0, axisSoftMax=1), options=legend(), no_value=told_by("onedrive", " with quota"),
            overrides=[override_matching("/recycle bin/", **{"custom.lineStyle": {"fill": "dash", "dash": [4, 6]}})])
    return d


def exporter():
    d = Dashboard("m365mon-exporter", "Microsoft 365: The exporter itself", "Can its word be trusted, and what does it cost?",
                  ["datasource", "job", "instance"], annotations=False)
    # Resources that Prometheus probes itself are instances too, and every process has figures: these are no exporters.
    ours = f"and on (job, instance) m365mon_build_info{{{EXP}}}"
    wide, narrow = legend(("mean", "max"), "table", "right"), legend(("max",))
    # The last word of those that are gone too: whom it is about must not vanish with it.
    build = f"m365mon_build_info{{{EXP}}}"
    d.panel("table", "Exporters, and which version runs where", "Whether Prometheus can scrape them; version, source revision and compiler. One that is gone stays here for a day.",
            [table(f"max by (instance, location, version, revision, rustc_version) (({build} or (last_over_time({build}[1d]) unless on (job, instance) m365mon_build_info)) "
                   "* 0 + on (job, instance) group_left () up)")], w=12, h=6,
            options={"showHeader": True, "cellHeight": "sm", "sortBy": [{"displayName": "scraped", "desc": False}]},
            transformations=[organize({"Value": "scraped", "location": "place", "rustc_version": "compiler"},
                                      order=["instance", "location", "Value", "version", "revision", "rustc_version"], keep=["instance"])],
            overrides=[override("scraped", mappings=UPDOWN, color={"mode": "thresholds"}, thresholds=steps((None, RED), (1, GREEN)), **{"custom.cellOptions": {"type": "color-background", "mode": "basic"}, "custom.width": 90})],
            no_value="no exporter is known")
    d.panel("stat", "Is the configuration current", "Whether the last reload succeeded.",
            [q(f"min by (instance) (m365mon_config_last_reload_successful{{{EXP}}})", "{{instance}}")], w=6, h=6,
            mappings=[{"type": "value", "options": {"0": {"text": "reload failed", "color": RED, "index": 0}, "1": {"text": "current", "color": GREEN, "index": 1}}}],
            thresholds=steps((None, RED), (1, GREEN)), options={**STAT, "textMode": "value_and_name", "orientation": "horizontal"}, no_value="no exporter")
    d.panel("stat", "When it was loaded", "How long ago the running configuration was loaded.",
            [q(f"time() - max by (instance) (m365mon_config_last_reload_success_timestamp_seconds{{{EXP}}})", "{{instance}}")], w=6, h=6, unit="s",
            thresholds=steps((None, BLUE)), options={**STAT, "textMode": "value_and_name", "orientation": "horizontal"}, no_value="no exporter")
    d.panel("timeseries", "How late probes start", "99th percentile against their schedule.",
            [q(f"histogram_quantile(0.99, sum by (instance, le) (rate(m365mon_probe_start_delay_seconds_bucket{{{EXP}}}[$__rate_interval])))", "{{instance}}")],
            w=12, h=8, unit="s", minimum=0, custom=lines(fill=0), options=wide)
    d.panel("timeseries", "How many probes are in flight", "At the moment of each scrape.", [q(f"max by (instance) (m365mon_probes_in_flight{{{EXP}}})", "{{instance}}")], w=12, h=8, minimum=0,
            decimals=0, custom=lines(fill=0), options=legend(("max",), "table", "right"))
    bars(d, "Ticks left out, by cause", "overlap: the one before still ran; missed: started too late; gate and slow_down: Microsoft asked; budget: no time within the scrape.",
         [q(grown("m365mon_probes_skipped_total", EXP, "instance, cause"), "{{instance}} {{cause}}")], w=12, h=8, no_value="none was counted")
    d.panel("timeseries", "Requests to the exporter", "Per second, by handler and status.",
            [q(f"sum by (handler, code) (rate(m365mon_http_requests_total{{{EXP}}}[$__rate_interval]))", "{{handler}} {{code}}")], w=12, h=8, unit="reqps", minimum=0,
            custom=lines(fill=0), options=legend(("mean",), "table", "right"))
    d.panel("timeseries", "How long its answers take", "99th percentile by handler, to the last byte of the body. Scrapes that probe take as long as the probes.",
            [q(f"histogram_quantile(0.99, sum by (handler, le) (rate(m365mon_http_request_duration_seconds_bucket{{{EXP}}}[$__rate_interval])))", "{{handler}}")],
            w=12, h=8, unit="s", minimum=0, custom=lines(fill=0), options=legend(("max",), "table", "right"))
    bars(d, "Reloads", "Of the configuration or of the web configuration, by what became of them.",
         [q(grown("m365mon_config_reloads_total", EXP, "instance, result"), "{{instance}} {{result}}")], w=12, h=8, no_value="none was counted")
    d.panel("timeseries", "Memory", "Resident; dashed, on the right: virtual.",
            [q(f"max by (instance) (process_resident_memory_bytes{{{EXP}}} {ours})", "{{instance}}"),
             q(f"max by (instance) (process_virtual_memory_bytes{{{EXP}}} {ours})", "{{instance}} virtual")], w=8, h=8, unit="bytes", minimum=0,
            custom=lines(fill=0), options=narrow,
            overrides=[override_matching("/virtual/", **{"custom.axisPlacement": "right", "custom.lineStyle": {"fill": "dash", "dash": [4, 6]},
                                                        "custom.hideFrom": {"legend": True, "tooltip": False, "viz": False}})])
    d.panel("timeseries", "Processor", "Cores used.", [q(f"rate(process_cpu_seconds_total{{{EXP}}}[$__rate_interval]) {ours}", "{{instance}}")], w=8, h=8, unit="short", minimum=0,
            custom=lines(fill=0), options=legend(("mean",)))
    d.panel("timeseries", "How long a scrape takes", "As Prometheus measured it.",
            [q(f"scrape_duration_seconds{{{EXP}}} {ours}", "{{instance}}")], w=8, h=8, unit="s", minimum=0, custom=lines(fill=0), options=narrow)
    d.panel("stat", "Sign-ins can be kept", "Whether the token store can be written; where it cannot, a sign-in is lost at the next start.",
            [q(f"min by (instance) (m365mon_storage_writable{{{EXP}}})", "{{instance}}")], w=24, h=3, no_value="no exporter, or none that keeps sign-ins",
            mappings=[{"type": "value", "options": {"0": {"text": "no: the token store cannot be written", "color": RED, "index": 0}, "1": {"text": "yes", "color": GREEN, "index": 1}}}],
            thresholds=steps((None, RED), (1, GREEN)), options={**STAT, "textMode": "value_and_name"})
    d.panel("timeseries", "File descriptors", "Share of the limit that is open.",
            [q(f"max by (instance) (process_open_fds{{{EXP}}} {ours}) / max by (instance) (process_max_fds{{{EXP}}} {ours})", "{{instance}}")], w=8, h=7, unit="percentunit", minimum=0,
            custom=lines(fill=0), options=narrow)
    d.panel("timeseries", "Samples per scrape", "Series that one scrape brings.", [q(f"scrape_samples_scraped{{{EXP}}} {ours}", "{{instance}}")], w=8, h=7, minimum=0, decimals=0, unit="locale",
            custom=lines(fill=0), options=narrow)
    d.panel("timeseries", "Threads", "Of the process.", [q(f"max by (instance) (process_threads{{{EXP}}} {ours})", "{{instance}}")], w=8, h=7, minimum=0, decimals=0,
            custom=lines(fill=0), options=narrow)
    d.panel("stat", "Running for", "Since the start of the process.",
            [q(f"time() - max by (instance) (process_start_time_seconds{{{EXP}}} {ours})", "{{instance}}")], w=24, h=4, unit="s",
            thresholds=steps((None, BLUE)), options={**STAT, "textMode": "value_and_name"}, no_value="no exporter")
    return d


def main():
    check = "--check" in sys.argv
    stale = []
    for make in (overview, resource, accounts, services, tenant, locations, exporter):
        board = make().json()
        path = HERE / f"{board['uid']}.json"
        text = json.dumps(board, indent=2, ensure_ascii=False) + "\n"
        if check:
            if not path.exists() or path.read_text() != text:
                stale.append(path.name)
        else:
            path.write_text(text)
    if stale:
        sys.exit(f"not current, run dashboards/generate.py: {', '.join(stale)}")


main()

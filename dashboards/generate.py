#!/usr/bin/env python3
"""Writes the five dashboards beside this file.

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
SEL = 'job=~"$job", account=~"$account", kind=~"$kind", resource=~"$resource", location=~"$location"'
REC = 'account=~"$account", kind=~"$kind", resource=~"$resource", location=~"$location"'
ACC = 'job=~"$job", account=~"$account"'
EXP = 'job=~"$job", instance=~"$instance"'

GREEN, RED, YELLOW, BLUE, GREY = "green", "red", "#EAB839", "blue", "#808080"


def steps(*pairs):
    return {"mode": "absolute", "steps": [{"color": c, "value": v} for v, c in pairs]}


class Dashboard:
    def __init__(self, uid, title, description, variables, annotations=True, refresh="1m"):
        self.uid, self.title, self.description = uid, title, description
        self.variables, self.annotations, self.refresh = variables, annotations, refresh
        self.panels, self.x, self.y, self.row_h = [], 0, 0, 0

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
              color=None):
        defaults = {"color": color or {"mode": "palette-classic"}, "mappings": mappings or [],
                    "thresholds": thresholds or steps((None, GREEN))}
        if thresholds and not color:
            defaults["color"] = {"mode": "thresholds"} if kind in ("stat", "table", "gauge") else defaults["color"]
        defaults["unit"] = unit or "short"
        for key, value in (("min", minimum), ("max", maximum), ("decimals", decimals),
                           ("custom", custom), ("links", links), ("noValue", no_value)):
            if value is not None:
                defaults[key] = value
        for index, target in enumerate(targets):
            target.setdefault("refId", chr(ord("A") + index))
            target["datasource"] = DS
        panel = {"id": len(self.panels) + 1, "type": kind, "title": title,
                 "description": description, "datasource": DS, "gridPos": self.place(w, h),
                 "targets": targets,
                 "fieldConfig": {"defaults": defaults, "overrides": overrides or []},
                 "options": options or {}}
        if transformations:
            panel["transformations"] = transformations
        self.panels.append(panel)

    def row(self, title):
        self.x, self.y, self.row_h = 0, self.y + self.row_h, 0
        self.panels.append({"id": len(self.panels) + 1, "type": "row", "title": title,
                            "collapsed": False, "panels": [],
                            "gridPos": {"x": 0, "y": self.y, "w": 24, "h": 1}})
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
        }
        annotations = [{"builtIn": 1, "datasource": {"type": "grafana", "uid": "-- Grafana --"},
                        "enable": True, "hide": True, "iconColor": "rgba(0, 211, 255, 1)",
                        "name": "Annotations & Alerts", "type": "dashboard"}]
        if self.annotations:
            annotations.append({
                "datasource": DS, "enable": True, "hide": False, "iconColor": "red", "name": "Outages",
                "expr": f"m365:resource_down:bool{{{REC}}} == 1", "step": "60s",
                "titleFormat": "{{resource}} down", "textFormat": "{{account}} {{kind}} {{location}}",
                "useValueForTime": False})
        links = [{"title": t, "type": "link", "icon": "dashboard", "url": f"/d/{u}",
                  "keepTime": True, "includeVars": True, "asDropdown": False, "targetBlank": False,
                  "tags": [], "tooltip": ""} for u, t in DASHBOARDS if u != self.uid]
        return {"uid": self.uid, "title": self.title, "description": self.description,
                "tags": ["m365mon"], "schemaVersion": 39, "version": 1, "editable": True,
                "graphTooltip": 1, "refresh": self.refresh, "timezone": "browser",
                "time": {"from": "now-6h", "to": "now"}, "timepicker": {}, "fiscalYearStartMonth": 0,
                "templating": {"list": [variable[name] for name in self.variables]},
                "annotations": {"list": annotations}, "links": links, "panels": self.panels}


def query_var(name, label, query):
    return {"name": name, "label": label, "type": "query", "datasource": DS,
            "query": {"query": query, "refId": name}, "definition": query, "refresh": 2,
            "sort": 1, "multi": True, "includeAll": True, "allValue": ".*", "hide": 0,
            "regex": "", "current": {"selected": True, "text": ["All"], "value": ["$__all"]}}


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
HIDE = {"Time": True, "__name__": True, "instance": True, "job": True}


def organize(rename=None, exclude=None, order=None):
    return {"id": "organize", "options": {
        "excludeByName": {**HIDE, **{name: True for name in (exclude or [])}},
        "indexByName": {name: i for i, name in enumerate(order or [])},
        "renameByName": rename or {}}}


def override(name, **properties):
    return {"matcher": {"id": "byName", "options": name},
            "properties": [{"id": key, "value": value} for key, value in properties.items()]}


UPDOWN = [{"type": "value", "options": {"0": {"text": "down", "color": RED, "index": 0},
                                        "1": {"text": "up", "color": GREEN, "index": 1}}}]
TO_RESOURCE = [{"title": "This resource", "url": "/d/m365mon-resource?var-account=${__data.fields.account}"
                "&var-resource=${__data.fields.resource}&${datasource:queryparam}&${__url_time_range}"}]
DASHBOARDS = [("m365mon-overview", "Overview"), ("m365mon-resource", "Resource"),
              ("m365mon-accounts", "Accounts"), ("m365mon-locations", "Locations"),
              ("m365mon-exporter", "Exporter")]
RESOURCE_VARS = ["datasource", "job", "account", "kind", "resource", "location"]


def overview():
    d = Dashboard("m365mon-overview", "Microsoft 365: Overview",
                  "Is Microsoft 365 working for us, and until when?", RESOURCE_VARS, refresh="30s")
    d.panel("stat", "Resources up", "Resources whose last conclusive probe succeeded.",
            [q(f"sum(max by ({ID}) (m365_resource_up{{{SEL}}}))")], w=4, h=4, thresholds=steps((None, GREEN)),
            options=STAT, decimals=0, no_value="0")
    d.panel("stat", "Resources down", "Resources whose last conclusive probe failed.",
            [q(f"count(max by ({ID}) (m365_resource_up{{{SEL}}}) == 0) or vector(0)")], w=4, h=4,
            thresholds=steps((None, GREEN), (1, RED)), options=STAT, decimals=0)
    d.panel("stat", "Resources unknown", "Configured, but without a fresh conclusive probe: nobody knows whether they work.",
            [q(f"count(max by ({ID}) (m365_resource_interval_seconds{{{SEL}}}) unless "
               f"max by ({ID}) (m365_resource_up{{{SEL}}})) or vector(0)")], w=4, h=4,
            thresholds=steps((None, GREEN), (1, YELLOW)), options=STAT, decimals=0)
    d.panel("stat", "Accounts in trouble", "Accounts whose last token request did not succeed.",
            [q(f"count(max by (account) (m365_account_up{{{ACC}}}) == 0) or vector(0)")], w=4, h=4,
            thresholds=steps((None, GREEN), (1, RED)), options=STAT, decimals=0)
    d.panel("stat", "Availability, 30 days", "Share of conclusive probes that succeeded, over all selected resources.",
            [q(f"sum(m365:resource_probes_good:increase30d{{{REC}}}) / (sum(m365:resource_probes_valid:increase30d{{{REC}}}) > 0)")],
            w=4, h=4, unit="percentunit", decimals=3, thresholds=steps((None, RED), (0.99, YELLOW), (0.999, GREEN)),
            options=STAT, no_value="no data yet")
    d.panel("stat", "First credential to end", "Time until the first credential ends that only a person can replace.",
            [q(f"min(m365_credential_expiry_timestamp_seconds{{{ACC}}}) - time()")], w=4, h=4, unit="s",
            thresholds=steps((None, RED), (259200, YELLOW), (1209600, GREEN)), options=STAT, no_value="none")
    d.panel("table", "What is down or unknown, since when, and why",
            "One line for each resource whose last probe did not succeed. `last success` is when it last worked.",
            # One query, so that each location keeps its own line. -1: no success is known.
            [table(f"max by ({ID}, outcome, reason) (m365_resource_problem{{{SEL}}}) * on ({ID}) group_left () "
                   f"(time() - max by ({ID}) (m365_resource_last_success_timestamp_seconds{{{SEL}}})) "
                   f"or on ({ID}) (max by ({ID}, outcome, reason) (m365_resource_problem{{{SEL}}}) * -1)")],
            w=16, h=9, options={"showHeader": True, "cellHeight": "sm", "sortBy": [{"displayName": "last success", "desc": True}]},
            transformations=[organize({"Value": "last success"},
                                      order=["resource", "account", "kind", "location", "outcome", "reason", "Value"])],
            overrides=[override("last success", unit="s", mappings=[
                           {"type": "value", "options": {"-1": {"text": "none since the exporter began", "index": 0}}}]),
                       override("outcome", **{"custom.cellOptions": {"type": "color-text"}, "mappings": [
                           {"type": "value", "options": {"failure": {"color": RED, "index": 0},
                                                         "inconclusive": {"color": YELLOW, "index": 1}}}]}),
                       override("resource", links=TO_RESOURCE)], no_value="everything answers")
    d.panel("bargauge", "Error budget left, 30 days", "1 is untouched, 0 is used up. Sorted: the worst first.",
            [q(f"bottomk(10, m365:resource_error_budget_remaining:ratio30d{{{REC}}})", "{{resource}}", instant=True)],
            w=8, h=9, unit="percentunit", minimum=0, maximum=1, thresholds=steps((None, RED), (0.25, YELLOW), (0.5, GREEN)),
            color={"mode": "thresholds"},
            options={"displayMode": "basic", "orientation": "horizontal", "showUnfilled": True,
                     "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}, no_value="no data yet")
    d.panel("state-timeline", "Up and down", "Each resource over time; gaps are times without a conclusive probe.",
            [q(f"max by ({ID}) (m365_resource_up{{{SEL}}})", "{{resource}} {{location}}")], w=24, h=10, mappings=UPDOWN,
            thresholds=steps((None, RED), (1, GREEN)), color={"mode": "thresholds"},
            custom={"fillOpacity": 80, "lineWidth": 0},
            options={"mergeValues": True, "showValue": "never", "rowHeight": 0.85, "alignValue": "left",
                     "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
                     "tooltip": {"mode": "single", "sort": "none"}})
    d.panel("timeseries", "Worst latency", "The five resources with the slowest probe of the time shown: whole request, token time excluded.",
            # The five of the whole time shown, not five at each point: lines without gaps.
            [q(f"max by ({ID}) (m365_resource_latency_seconds{{{SEL}}}) and on ({ID}) topk(5, max by ({ID}) "
               f"(max_over_time(m365_resource_latency_seconds{{{SEL}}}[$__range] @ end())))", "{{resource}} {{location}}")],
            w=12, h=8, unit="s", minimum=0, custom=lines(), options=legend(("lastNotNull", "max"), "table"))
    d.panel("table", "Credentials that end soon", "Sorted by deadline. What renews itself is not here.",
            [table(f"sort(min by (account, credential) (m365_credential_expiry_timestamp_seconds{{{ACC}}}) - time())")],
            w=12, h=8, options={"showHeader": True, "cellHeight": "sm", "sortBy": [{"displayName": "ends in", "desc": False}]},
            transformations=[organize({"Value": "ends in"})],
            overrides=[override("ends in", unit="s", **{"custom.cellOptions": {"type": "color-background", "mode": "basic"},
                                "thresholds": steps((None, RED), (259200, YELLOW), (1209600, GREEN))})],
            no_value="no credential with a known end")
    return d


def resource():
    d = Dashboard("m365mon-resource", "Microsoft 365: Resource", "One resource from all sides.", RESOURCE_VARS, refresh="30s")
    d.panel("stat", "Now", "The last conclusive probe.", [q(f"max by ({ID}) (m365_resource_up{{{SEL}}})", "{{resource}} {{location}}")],
            w=4, h=4, mappings=UPDOWN, thresholds=steps((None, RED), (1, GREEN)), options=STAT, no_value="unknown")
    d.panel("stat", "Failures in a row", "Conclusive failures since the last success.",
            [q(f"max by ({ID}) (m365_resource_consecutive_failures{{{SEL}}})", "{{resource}}")], w=4, h=4, decimals=0,
            thresholds=steps((None, GREEN), (1, YELLOW), (2, RED)), options=STAT, no_value="–")
    d.panel("stat", "Last probe", "How long ago.", [q(f"time() - max by ({ID}) (m365_resource_last_probe_timestamp_seconds{{{SEL}}})", "{{resource}}")],
            w=4, h=4, unit="s", thresholds=steps((None, BLUE)), options=STAT, no_value="never")
    d.panel("stat", "Status of the last answer", "HTTP status; none where no answer came.",
            [q(f"max by ({ID}) (m365_resource_http_status{{{SEL}}})", "{{resource}}")], w=4, h=4, decimals=0, unit="none",
            thresholds=steps((None, BLUE), (300, YELLOW), (500, RED)), options=STAT, no_value="–")
    d.panel("stat", "Interval and timeout", "How often it is probed, and how long a probe may take.",
            [q(f"max by ({ID}) (m365_resource_interval_seconds{{{SEL}}})", "interval"),
             q(f"max by ({ID}) (m365_resource_timeout_seconds{{{SEL}}})", "timeout")], w=4, h=4, unit="s",
            thresholds=steps((None, BLUE)), options={**STAT, "textMode": "value_and_name"})
    d.panel("stat", "Access ends in", "Until the earliest moment from which only a person can keep it probed.",
            [q(f"min by ({ID}) (m365_resource_token_expiry_timestamp_seconds{{{SEL}}}) - time()", "{{resource}}")],
            w=4, h=4, unit="s", thresholds=steps((None, RED), (259200, YELLOW), (1209600, GREEN)), options=STAT, no_value="no end known")
    d.panel("state-timeline", "Outcome over time", "What the last probe said, and why not.",
            [q(f"max by ({ID}) (m365_resource_up{{{SEL}}})", "{{resource}} {{location}}")], w=24, h=5, mappings=UPDOWN,
            thresholds=steps((None, RED), (1, GREEN)), color={"mode": "thresholds"}, custom={"fillOpacity": 80, "lineWidth": 0},
            options={"mergeValues": True, "showValue": "never", "rowHeight": 0.85, "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom"},
                     "tooltip": {"mode": "single", "sort": "none"}})
    d.panel("timeseries", "Where the time goes", "Phases of successful probes, stacked: name resolution, TCP, TLS, waiting for the answer, reading it.",
            [q(f"avg by (phase) (m365_resource_phase_latency_seconds{{{SEL}}})", "{{phase}}")], w=12, h=9, unit="s", minimum=0,
            custom=lines(fill=40, stacking={"mode": "normal", "group": "A"}), options=legend(("mean", "max"), "table"))
    d.panel("heatmap", "How latency is spread", "Probes by duration; a point is an exemplar with Microsoft's request id.",
            [q(f"sum by (le) (increase(m365_resource_probe_duration_seconds_bucket{{{SEL}}}[$__rate_interval]))", "{{le}}", fmt="heatmap", exemplar=True)],
            w=12, h=9, unit="s", options={"calculate": False, "yAxis": {"unit": "s", "axisPlacement": "left"},
                                          "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64},
                                          "cellGap": 1, "exemplars": {"color": "rgba(255,0,255,0.7)"},
                                          "rowsFrame": {"layout": "auto"}, "showValue": "never",
                                          "tooltip": {"show": True, "yHistogram": False}, "legend": {"show": True}})
    d.panel("timeseries", "Latency against the limit", "Whole request; median and 95th percentile of the last hour; the limit of the rules.",
            [q(f"max by ({ID}) (m365_resource_latency_seconds{{{SEL}}})", "now {{resource}} {{location}}"),
             q(f"m365:resource_latency_seconds:p50_1h{{{REC}}}", "median 1 h {{resource}}"),
             q(f"m365:resource_latency_seconds:p95_1h{{{REC}}}", "95 % 1 h {{resource}}"),
             q(f"m365:resource_latency_limit:seconds{{{REC}}}", "limit {{resource}}")], w=12, h=8, unit="s", minimum=0,
            custom=lines(), options=legend(("lastNotNull", "max"), "table"))
    d.panel("timeseries", "Why probes did not succeed", "Problems by reason.",
            [q(f"sum by (outcome, reason) (increase(m365_resource_probe_problems_total{{{SEL}}}[$__rate_interval]))", "{{outcome}}: {{reason}}", exemplar=True)],
            w=12, h=8, decimals=0, minimum=0, custom={**lines(fill=60, stacking={"mode": "normal", "group": "A"}), "drawStyle": "bars"}, options=legend(("sum",), "table"), no_value="no problems")
    d.panel("timeseries", "Microsoft's own word", "The service's own duration, where it gives one, beside what is felt here.",
            [q(f"max by ({ID}) (m365_resource_server_latency_seconds{{{SEL}}})", "server {{resource}}"),
             q(f"max by ({ID}) (m365_resource_latency_seconds{{{SEL}}})", "felt {{resource}} {{location}}")], w=12, h=8, unit="s", minimum=0,
            custom=lines(), options=legend(("mean",), "table"))
    d.panel("timeseries", "SharePoint health score", "0 is best, 10 is worst.",
            [q(f"max by ({ID}) (m365_sharepoint_health_score{{{SEL}}})", "{{resource}} {{location}}")], w=12, h=8, minimum=0, maximum=10, decimals=0,
            custom=lines(lineInterpolation="stepAfter"), options=legend(), no_value="not a SharePoint REST probe")
    d.panel("timeseries", "Probes", "Probes per minute by outcome.",
            [q(f"sum by (outcome) (rate(m365_resource_probes_total{{{SEL}}}[$__rate_interval])) * 60", "{{outcome}}")], w=24, h=6, minimum=0,
            custom=lines(), options=legend(("mean",), "table"),
            overrides=[override("success", color={"mode": "fixed", "fixedColor": GREEN}), override("failure", color={"mode": "fixed", "fixedColor": RED}),
                       override("inconclusive", color={"mode": "fixed", "fixedColor": YELLOW})])
    # Prometheus names the target of such a resource after it: its instance is the resource.
    d.row("Probed by Prometheus through /probe (mode on_probe)")
    probed = 'instance=~"$resource"'
    none = "no resource of mode on_probe"
    d.panel("state-timeline", "Probe succeeded", "The verdict of each scrape of /probe; a gap is an inconclusive one.",
            [q(f"max by (instance) (probe_success{{{probed}}})", "{{instance}}")], w=12, h=6, mappings=UPDOWN,
            thresholds=steps((None, RED), (1, GREEN)), color={"mode": "thresholds"}, custom={"fillOpacity": 80, "lineWidth": 0},
            options={"mergeValues": True, "showValue": "never", "rowHeight": 0.85, "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom"},
                     "tooltip": {"mode": "single", "sort": "none"}}, no_value=none)
    d.panel("timeseries", "Probe duration against its timeout", "Waiting for a token included.",
            [q(f"max by (instance) (probe_duration_seconds{{{probed}}})", "{{instance}}"),
             q(f"max by (instance) (probe_timeout_seconds{{{probed}}})", "timeout {{instance}}")], w=12, h=6, unit="s", minimum=0,
            custom=lines(), options=legend(("mean", "max"), "table"), no_value=none)
    d.panel("timeseries", "Probe in phases", "Stacked; name resolution apart, as the blackbox exporter tells it too.",
            [q(f"avg by (phase) (probe_http_duration_seconds{{{probed}}})", "{{phase}}"),
             q(f"avg(probe_dns_lookup_time_seconds{{{probed}}})", "name resolution")], w=12, h=8, unit="s", minimum=0,
            custom=lines(fill=40), options=legend(("mean", "max"), "table"), no_value=none)
    d.panel("table", "How the last probe went", "Status and version of HTTP, whether over TLS, version of IP; 0 without an answer.",
            [table(f"max by (instance) (probe_http_status_code{{{probed}}})"), table(f"max by (instance) (probe_http_version{{{probed}}})"),
             table(f"max by (instance) (probe_http_ssl{{{probed}}})"), table(f"max by (instance) (probe_ip_protocol{{{probed}}})"),
             table(f"min by (instance) (probe_ssl_earliest_cert_expiry{{{probed}}}) - time()"),
             table(f"max by (instance, version) (probe_tls_version_info{{{probed}}})")],
            w=12, h=8, options={"showHeader": True, "cellHeight": "sm"},
            transformations=[{"id": "joinByField", "options": {"byField": "instance", "mode": "outer"}},
                             {"id": "organize", "options": {
                                 "excludeByName": {"Value #F": True, **{f"Time {n}": True for n in range(1, 7)}}, "indexByName": {},
                                 "renameByName": {"instance": "resource", "Value #A": "status", "Value #B": "HTTP", "Value #C": "TLS",
                                                  "Value #D": "IP", "Value #E": "certificate ends in", "version": "TLS version"}}}],
            overrides=[override("certificate ends in", unit="s")], no_value=none)
    return d


def accounts():
    d = Dashboard("m365mon-accounts", "Microsoft 365: Accounts and credentials", "Who signs in how, until when, and what Entra says.",
                  ["datasource", "job", "account"], annotations=False)
    ends = {"custom.cellOptions": {"type": "color-background", "mode": "basic"}, "thresholds": steps((None, RED), (259200, YELLOW), (1209600, GREEN))}
    d.panel("table", "Countdown", "Every credential with a known end that a person must replace, the nearest first.",
            [table(f"min by (account, credential) (m365_credential_expiry_timestamp_seconds{{{ACC}}}) - time()")], w=14, h=8,
            options={"showHeader": True, "cellHeight": "sm", "sortBy": [{"displayName": "ends in", "desc": False}]},
            transformations=[organize({"Value": "ends in"})], overrides=[override("ends in", unit="s", **ends)],
            no_value="no credential with a known end")
    d.panel("table", "Accounts", "One line per account: where, how, and whether the last token request succeeded.",
            [table(f"max by (account, tenant, cloud, credential) (m365_account_info{{{ACC}}}) * on (account) group_left () max by (account) (m365_account_up{{{ACC}}})")],
            w=10, h=8, options={"showHeader": True, "cellHeight": "sm"}, transformations=[organize({"Value": "state"})],
            overrides=[override("state", mappings=UPDOWN, **{"custom.cellOptions": {"type": "color-text"}})])
    d.panel("state-timeline", "Can the accounts get tokens", "The last token request of each account.",
            [q(f"max by (account) (m365_account_up{{{ACC}}})", "{{account}}")], w=12, h=7, mappings=UPDOWN, thresholds=steps((None, RED), (1, GREEN)),
            color={"mode": "thresholds"}, custom={"fillOpacity": 80, "lineWidth": 0},
            options={"mergeValues": True, "showValue": "never", "rowHeight": 0.85, "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "single", "sort": "none"}})
    d.panel("table", "What is wrong now", "Accounts whose last token request did not succeed, with the reason.",
            [table(f"max by (account, outcome, reason) (m365_account_problem{{{ACC}}})"),
             table(f"max by (account) (m365_account_sign_in_required{{{ACC}}}) == 1")], w=12, h=7,
            options={"showHeader": True, "cellHeight": "sm"},
            transformations=[{"id": "joinByField", "options": {"byField": "account", "mode": "outer"}}, organize({"Value #B": "a person must sign in"}, ["Value #A", "Time 1", "Time 2"])],
            no_value="nothing")
    d.panel("timeseries", "Token requests that failed, by code", "Entra's AADSTS code, where it gave one.",
            [q(f"sum by (account, reason, code) (increase(m365_token_request_problems_total{{{ACC}}}[$__rate_interval]))", "{{account}} {{reason}} {{code}}")],
            w=12, h=8, decimals=0, minimum=0, custom={**lines(fill=60), "drawStyle": "bars"}, options=legend(("sum",), "table"), no_value="none")
    d.panel("timeseries", "Token requests", "Per hour, by outcome.",
            [q(f"sum by (account, outcome) (rate(m365_token_requests_total{{{ACC}}}[$__rate_interval])) * 3600", "{{account}} {{outcome}}")], w=12, h=8,
            minimum=0, custom=lines(), options=legend(("mean",), "table"))
    d.panel("timeseries", "How long a token request takes", "95th percentile.",
            [q(f"histogram_quantile(0.95, sum by (account, le) (rate(m365_token_request_duration_seconds_bucket{{{ACC}}}[$__rate_interval])))", "{{account}}")],
            w=12, h=8, unit="s", minimum=0, custom=lines(), options=legend(), no_value="no token request in this time")
    d.panel("timeseries", "Access tokens held", "Time to their end; they renew themselves.",
            [q(f"min by (account, audience) (m365_access_token_expiry_timestamp_seconds{{{ACC}}}) - time()", "{{account}} {{audience}}")], w=12, h=8,
            unit="s", custom=lines(), options=legend(("lastNotNull",), "table"))
    d.panel("timeseries", "Answers that throttle us", "429, 509 and their relatives, per service.",
            [q(f"sum by (account, service) (increase(m365_throttled_responses_total{{{ACC}}}[$__rate_interval]))", "{{account}} {{service}}")], w=8, h=8,
            decimals=0, minimum=0, custom={**lines(fill=60), "drawStyle": "bars"}, options=legend(("sum",), "table"), no_value="none")
    d.panel("timeseries", "Waiting because Microsoft asked", "Seconds left until the gate opens.",
            [q(f"max by (account, service) (m365_throttled_until_timestamp_seconds{{{ACC}}}) - time()", "{{account}} {{service}}")], w=8, h=8, unit="s",
            minimum=0, custom=lines(), options=legend(), no_value="no gate is closed")
    d.panel("timeseries", "Rate limit left", "What is left of SharePoint's limit; told only from 80 % of it on.",
            [q(f"min by (account, service) (m365_rate_limit_remaining_ratio{{{ACC}}})", "{{account}} {{service}}")], w=8, h=8, unit="percentunit",
            minimum=0, maximum=1, custom=lines(), options=legend(), no_value="the service does not tell")
    d.panel("stat", "Rights beyond need", "Permissions that were granted but are not needed.",
            [q(f"max by (account) (m365_account_excess_permissions{{{ACC}}})", "{{account}}")], w=24, h=4, decimals=0,
            thresholds=steps((None, GREEN), (1, YELLOW)), options={**STAT, "textMode": "value_and_name"}, no_value="not known")
    return d


def locations():
    d = Dashboard("m365mon-locations", "Microsoft 365: Locations", "The same resource from every place.", RESOURCE_VARS)
    d.panel("stat", "Locations", "From how many places the selected resources are probed.",
            [q(f"count(count by (location) (m365_resource_interval_seconds{{{SEL}}}))")], w=6, h=4, decimals=0, thresholds=steps((None, BLUE)), options=STAT)
    d.panel("stat", "Resources without a quorum", "Resources that at least half of their locations see down.",
            [q(f"count(m365:resource_quorum_up:bool{{account=~\"$account\", kind=~\"$kind\", resource=~\"$resource\"}} == 0) or vector(0)")], w=6, h=4,
            decimals=0, thresholds=steps((None, GREEN), (1, RED)), options=STAT)
    d.panel("table", "Disagreement", "Resources that some places see down and others up: the place, not Microsoft.",
            [table(f"m365:resource_locations_down:count{{account=~\"$account\", kind=~\"$kind\", resource=~\"$resource\"}} > 0 < m365:resource_locations:count{{account=~\"$account\", kind=~\"$kind\", resource=~\"$resource\"}}")],
            w=12, h=4, options={"showHeader": True, "cellHeight": "sm"}, transformations=[organize({"Value": "locations that see it down"})], no_value="all places agree")
    d.panel("state-timeline", "Seen from every place", "One line per resource and location.",
            [q(f"max by ({ID}) (m365_resource_up{{{SEL}}})", "{{resource}} from {{location}}")], w=24, h=10, mappings=UPDOWN,
            thresholds=steps((None, RED), (1, GREEN)), color={"mode": "thresholds"}, custom={"fillOpacity": 80, "lineWidth": 0},
            options={"mergeValues": True, "showValue": "never", "rowHeight": 0.85, "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "single", "sort": "none"}})
    d.panel("timeseries", "Latency by place", "Median over the selected resources.",
            [q(f"quantile by (location) (0.5, m365_resource_latency_seconds{{{SEL}}})", "{{location}}")], w=12, h=8, unit="s", minimum=0, custom=lines(),
            options=legend(("mean", "max"), "table"))
    d.panel("bargauge", "Availability by place, one day", "Share of conclusive probes that succeeded.",
            [q(f"sum by (location) (m365:resource_probes_good:increase1d{{{REC}}}) / (sum by (location) (m365:resource_probes_valid:increase1d{{{REC}}}) > 0)", "{{location}}", instant=True)],
            w=12, h=8, unit="percentunit", decimals=3, minimum=0.9, maximum=1, thresholds=steps((None, RED), (0.99, YELLOW), (0.999, GREEN)), color={"mode": "thresholds"},
            options={"displayMode": "basic", "orientation": "horizontal", "showUnfilled": True, "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}, no_value="no data yet")
    return d


def exporter():
    d = Dashboard("m365mon-exporter", "Microsoft 365: The exporter itself", "Can its word be trusted, and what does it cost?",
                  ["datasource", "job", "instance"], annotations=False)
    d.panel("table", "Versions", "What runs where.", [table(f"max by (instance, version, revision, rustc_version) (m365mon_build_info{{{EXP}}})")], w=12, h=5,
            options={"showHeader": True, "cellHeight": "sm"},
            transformations=[{"id": "organize", "options": {"excludeByName": {"Time": True, "Value": True}, "indexByName": {}, "renameByName": {}}}])
    d.panel("stat", "Configuration", "Whether the last reload succeeded, and how old the running configuration is.",
            [q(f"min by (instance) (m365mon_config_last_reload_successful{{{EXP}}})", "{{instance}}")], w=6, h=5,
            mappings=[{"type": "value", "options": {"0": {"text": "reload failed", "color": RED, "index": 0}, "1": {"text": "current", "color": GREEN, "index": 1}}}],
            thresholds=steps((None, RED), (1, GREEN)), options=STAT)
    d.panel("stat", "Loaded", "How long ago the running configuration was loaded.",
            [q(f"time() - max by (instance) (m365mon_config_last_reload_success_timestamp_seconds{{{EXP}}})", "{{instance}}")], w=6, h=5, unit="s",
            thresholds=steps((None, BLUE)), options=STAT)
    d.panel("timeseries", "How late probes start", "99th percentile against their schedule.",
            [q(f"histogram_quantile(0.99, sum by (instance, le) (rate(m365mon_probe_start_delay_seconds_bucket{{{EXP}}}[$__rate_interval])))", "{{instance}}")],
            w=12, h=8, unit="s", minimum=0, custom=lines(), options=legend(("max",), "table"))
    d.panel("timeseries", "Probes in flight", "At this moment.", [q(f"max by (instance) (m365mon_probes_in_flight{{{EXP}}})", "{{instance}}")], w=12, h=8, minimum=0,
            decimals=0, custom=lines(), options=legend(("max",), "table"))
    d.panel("timeseries", "Ticks left out, by cause", "overlap: the one before still ran; missed: started too late; gate and slow_down: Microsoft asked; budget: no time within the scrape.",
            [q(f"sum by (instance, cause) (increase(m365mon_probes_skipped_total{{{EXP}}}[$__rate_interval]))", "{{instance}} {{cause}}")], w=12, h=8, minimum=0,
            decimals=0, custom={**lines(fill=60, stacking={"mode": "normal", "group": "A"}), "drawStyle": "bars"}, options=legend(("sum",), "table"))
    d.panel("timeseries", "Requests to the exporter", "Per second, by handler and status.",
            [q(f"sum by (handler, code) (rate(m365mon_http_requests_total{{{EXP}}}[$__rate_interval]))", "{{handler}} {{code}}")], w=12, h=8, unit="reqps", minimum=0,
            custom=lines(), options=legend(("mean",), "table"))
    d.panel("timeseries", "Memory", "Resident and virtual.",
            [q(f"max by (instance) (process_resident_memory_bytes{{{EXP}}})", "{{instance}} resident"),
             q(f"max by (instance) (process_virtual_memory_bytes{{{EXP}}})", "{{instance}} virtual")], w=8, h=8, unit="bytes", minimum=0,
            custom=lines(), options=legend(("max",), "table"))
    d.panel("timeseries", "Processor", "Cores used.", [q(f"rate(process_cpu_seconds_total{{{EXP}}}[$__rate_interval])", "{{instance}}")], w=8, h=8, unit="short", minimum=0,
            custom=lines(), options=legend(("mean",), "table"))
    d.panel("timeseries", "What a scrape costs", "Duration as Prometheus measured it.",
            [q(f"scrape_duration_seconds{{{EXP}}}", "{{instance}}")], w=8, h=8, unit="s", minimum=0, custom=lines(), options=legend(("max",), "table"))
    d.panel("timeseries", "File descriptors", "Open, against the limit.",
            [q(f"max by (instance) (process_open_fds{{{EXP}}}) / max by (instance) (process_max_fds{{{EXP}}})", "{{instance}}")], w=12, h=6, unit="percentunit", minimum=0,
            custom=lines(), options=legend())
    d.panel("timeseries", "Samples per scrape", "Series that one scrape brings.", [q(f"scrape_samples_scraped{{{EXP}}}", "{{instance}}")], w=12, h=6, minimum=0, decimals=0,
            custom=lines(), options=legend())
    d.panel("stat", "Running for", "Since the start of the process.",
            [q(f"time() - max by (instance) (process_start_time_seconds{{{EXP}}})", "{{instance}}")], w=12, h=5, unit="s",
            thresholds=steps((None, BLUE)), options=STAT)
    d.panel("timeseries", "Threads", "Of the process.", [q(f"max by (instance) (process_threads{{{EXP}}})", "{{instance}}")], w=12, h=5, minimum=0, decimals=0,
            custom=lines(), options=legend())
    return d


def main():
    check = "--check" in sys.argv
    stale = []
    for make in (overview, resource, accounts, locations, exporter):
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

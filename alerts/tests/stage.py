"""Exporters as Prometheus sees them, for tests of the rules.

A stage has exporters in places; each probes its resources at their phases and
shows what DESIGN's freshness rules let it show, also around a restart. What
comes out are the series of a promtool test, with the staleness that Prometheus
writes. Times are minutes, as floats; a sample is taken every `STEP` seconds.
"""

import math

STEP = 30
BUILD = {"version": "0.2.0"}


def number(value):
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def compact(samples):
    """Samples (None: absent) in promtool's notation, with a stale mark where a series ends."""
    words, index, present = [], 0, False
    while index < len(samples):
        value = samples[index]
        if value is None:
            run = index
            while run < len(samples) and samples[run] is None:
                run += 1
            missing = run - index
            if present:
                words.append("stale")
                missing -= 1
            if missing:
                words.append("_" if missing == 1 else f"_x{missing}")
            index, present = run, False
            continue
        present = True
        step, run = 0, index + 1
        if run < len(samples) and samples[run] is not None:
            step = samples[run] - value
            while run < len(samples) and samples[run] is not None and abs(samples[run] - samples[run - 1] - step) < 1e-9:
                run += 1
            # Two points make no line worth writing.
            if run - index == 2 and step:
                run, step = index + 1, 0
        count = run - index
        if count == 1:
            words.append(number(value))
        elif step:
            words.append(f"{number(value)}{'+' if step > 0 else '-'}{number(abs(step))}x{count - 1}")
        else:
            words.append(f"{number(value)}x{count - 1}")
        index = run
    return " ".join(words)


def labels(of):
    return ",".join(f'{name}="{str(value).replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"' for name, value in of.items())


class Resource:
    def __init__(self, name="intranet", kind="sharepoint_site", account="contoso", interval=60, phase=None, trouble=(),
                 latency=0.3, removed=None, impact=None, service="SharePoint", planned=(), window="type", more=None, after=0, waits=False):
        self.name, self.kind, self.account, self.interval = name, kind, account, interval
        self.phase = (sum(map(ord, name)) * 7) % interval if phase is None else phase
        # [(from, to, reason or callable(probe number) -> reason)]; `None` is a success.
        self.trouble, self.latency, self.removed, self.impact, self.service = list(trouble), latency, removed, impact, service
        self.planned, self.window, self.more, self.after = planned if isinstance(planned, dict) else list(planned), window, more or {}, after
        # Waits for its phase after a start, as what writes and what has a least interval does.
        self.waits = waits

    def answer(self, minute, count):
        for start, end, reason in self.trouble:
            if start <= minute < end:
                return reason(count) if callable(reason) else reason
        return None


INCONCLUSIVE = {"throttled", "token", "unauthorized", "forbidden", "rejected", "internal"}


class Exporter:
    def __init__(self, resources, location="ams", instance=None, job="m365mon", down=(), restarts=(), gone=(), skew=0, labels=None,
                 references=None, off_network=(), accounts=None, restart_gap=0.5, reload=None, account_trouble=(), blind_scrapes=(), tenants=None):
        self.resources, self.location = resources, location
        self.instance = instance or f"{location or 'x'}:10365"
        self.job, self.down, self.restarts, self.gone, self.skew = job, list(down), sorted(restarts), list(gone), skew
        self.labels = labels or {}
        self.references, self.off_network, self.restart_gap = references, list(off_network), restart_gap
        # Of which tenant an account is.
        self.tenants = tenants or {}
        # [(from, to, account, reason)]
        self.account_trouble, self.blind_scrapes = list(account_trouble), list(blind_scrapes)
        self.names = accounts or sorted({resource.account for resource in resources if resource.account})

    def process(self, more=None):
        own = {"job": self.job, "instance": self.instance}
        if self.location:
            own["location"] = self.location
        return {**own, **self.labels, **(more or {})}

    def series(self, minutes):
        ticks = int(minutes * 60 / STEP) + 1
        out = {}

        def put(name, own, tick, value):
            key = f"{name}{{{labels(own)}}}"
            out.setdefault(key, [None] * ticks)[tick] = value

        def off(minute):
            return any(a <= minute < b for a, b in self.down) or any(r <= minute < r + self.restart_gap for r in self.restarts)

        starts = [0.0] + [r + self.restart_gap for r in self.restarts] + [b for _, b in self.down]
        starts.sort()
        states = [self.state(resource, minutes, starts, off) for resource in self.resources]
        for tick in range(ticks):
            now = tick * STEP
            minute = now / 60
            if any(a <= minute < b for a, b in self.gone):
                continue
            alive = not off(minute)
            target = {"job": self.job, "instance": self.instance}
            if any(a <= minute < b for a, b in self.blind_scrapes):
                continue
            put("up", target, tick, 1 if alive else 0)
            if not alive:
                continue
            began = max(s for s in starts if s <= minute)
            put("m365mon_build_info", self.process(BUILD), tick, 1)
            put("process_start_time_seconds", target, tick, began * 60)
            for reference in self.references or []:
                away = any(a <= minute < b for a, b in self.off_network)
                put("m365mon_reference_up", self.process({"reference": reference}), tick, 0 if away else 1)
            for account in self.names:
                own = self.process({"account": account})
                put("m365_account_info", {**own, "tenant": self.tenants.get(account, "contoso.onmicrosoft.com"), "cloud": "global", "credential": "client_secret"}, tick, 1)
                bad = [r for a, b, name, r in self.account_trouble if a <= minute < b and name == account]
                if minute - began >= 0.5 or not began:
                    put("m365_account_up", own, tick, 0 if bad else 1)
                    if bad:
                        reason = bad[0](tick) if callable(bad[0]) else bad[0]
                        ours = reason in ("refused", "sign_in_required", "throttled", "internal")
                        put("m365_account_problem", {**own, "outcome": "inconclusive" if ours else "failure", "reason": reason}, tick, 1)
            for resource, history in zip(self.resources, states):
                if (resource.removed is not None and minute >= resource.removed) or minute < resource.after:
                    continue
                own = self.process({"account": resource.account, "kind": resource.kind, "resource": resource.name, **resource.more})
                self.show(put, own, tick, now, resource, history, began)
        return out

    def state(self, resource, minutes, starts, off):
        """Reports as (second, life, reason, counters)."""
        reports, second, count = [], resource.phase, 0
        first = {}
        while second <= minutes * 60:
            minute = second / 60
            if not off(minute) and minute >= resource.after:
                life = max(s for s in starts if s <= minute)
                reports.append((second, life, resource.answer(minute, count)))
                first.setdefault(life, second)
                count += 1
            second += resource.interval
        # The first probe after a start comes within half a minute.
        for life in starts:
            early = life * 60 + min(resource.phase % 30, resource.interval)
            if life and not resource.waits and early < first.get(life, math.inf) and not off(early / 60):
                reports.append((early, life, resource.answer(early / 60, count)))
        return sorted(reports)

    def show(self, put, own, tick, now, resource, reports, began):
        put("m365_resource_interval_seconds", own, tick, resource.interval)
        if resource.impact or resource.service:
            put("m365_resource_info", {**own, "mode": "background", "connection": "new", "via": "direct", "host": "contoso.sharepoint.com",
                                       "service": resource.service, "impact": resource.impact or "users"}, tick, 1)
        # One series a window: `planned` is one, or a map of several by their names.
        windows = resource.planned if isinstance(resource.planned, dict) else {"w": resource.planned} if resource.planned else {}
        for window, spans in windows.items():
            inside = any(a * 60 <= now < b * 60 for a, b in spans)
            put("m365_resource_planned_downtime", {**own, "window": window, "type": resource.window}, tick, 1 if inside else 0)
        mine = [r for r in reports if r[1] == began and r[0] <= now]
        fresh = max(3 * resource.interval, 300)
        totals = {"success": 0, "failure": 0, "inconclusive": 0}
        streak, last_success, verdict, told = 0, None, None, None
        for second, _, reason in mine:
            outcome = "success" if reason is None else "inconclusive" if reason in INCONCLUSIVE else "failure"
            totals[outcome] += 1
            told = (second, outcome, reason)
            if outcome == "success":
                streak, last_success, verdict = 0, second, (second, 1)
            elif outcome == "failure":
                streak, verdict = streak + 1, (second, 0)
        for outcome, value in totals.items():
            put("m365_resource_probes_total", {**own, "outcome": outcome}, tick, value)
        if told:
            put("m365_resource_last_probe_timestamp_seconds", own, tick, told[0] + self.skew)
        if last_success is not None:
            put("m365_resource_last_success_timestamp_seconds", own, tick, last_success + self.skew)
        if verdict and now - verdict[0] < fresh:
            put("m365_resource_up", own, tick, verdict[1])
            put("m365_resource_consecutive_failures", own, tick, streak)
            if told[1] != "failure" and verdict[1] == 1:
                latency = resource.latency(now / 60) if callable(resource.latency) else resource.latency
                put("m365_resource_latency_seconds", own, tick, latency)
        if told and told[1] != "success" and now - told[0] < fresh:
            put("m365_resource_problem", {**own, "outcome": told[1], "reason": told[2]}, tick, 1)

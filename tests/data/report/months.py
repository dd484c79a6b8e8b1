#!/usr/bin/env python3
"""Six months made by hand, and what a report must say of them.

    months.py FOLDER     writes FOLDER/MONTH.txt, samples as OpenMetrics for promtool,
                         and FOLDER/expected.json

Calculated here from the list of what happened, by sets of minutes and with
Python's own time zones: nothing is shared with the program that is tested.
"""

import datetime
import json
import math
import pathlib
import sys
import zoneinfo

UTC = zoneinfo.ZoneInfo("UTC")
COVERED = {"sharepoint_site", "exchange_mailbox"}


class Place:
    """What one place saw of one resource: from the beginning up, but for `events`,
    (first minute, end, "gap" or a reason)."""

    def __init__(self, resource, location, events=(), kind="sharepoint_site", second=7.0, planned=(), latency=None, account="contoso"):
        self.resource, self.location, self.kind, self.second = resource, location, kind, second
        self.events, self.planned, self.latency, self.account = list(events), list(planned), latency, account


class Month:
    def __init__(self, name, zone, places, arguments=(), renames=None):
        self.name, self.zone, self.places, self.arguments, self.renames = name, zoneinfo.ZoneInfo(zone), places, list(arguments), renames or {}
        year, month = map(int, name.split("-"))
        self.begin = datetime.datetime(year, month, 1, tzinfo=self.zone).timestamp()
        after = datetime.datetime(year + month // 12, month % 12 + 1, 1, tzinfo=self.zone)
        self.minutes = round((after.timestamp() - self.begin) / 60)

    def minute(self, day, hour=0, minute=0, fold=0):
        """Of the month, by the clock on the wall."""
        year, month = map(int, self.name.split("-"))
        moment = datetime.datetime(year, month, day, hour, minute, tzinfo=self.zone, fold=fold)
        return round((moment.timestamp() - self.begin) / 60)

    def state(self, place):
        """Sets of minutes, and the reason of each that is down."""
        up, reasons = set(range(self.minutes)), {}
        for first, end, what in place.events:
            for at in range(first, end):
                up.discard(at)
                reasons.pop(at, None)
                if what != "gap":
                    reasons[at] = what
        return up, reasons

    def samples(self):
        groups = {"m365_resource_up": [], "m365_resource_problem": [], "m365_resource_planned_downtime": [], "m365_resource_latency_seconds": []}
        for place in self.places:
            labels = (f'job="m365mon",instance="{place.location or "x"}:10365",account="{place.account}",kind="{place.kind}",'
                      f'resource="{place.resource}",location="{place.location}"')
            up, reasons = self.state(place)
            for at in range(self.minutes):
                second = place.second(at) if callable(place.second) else place.second
                time = f"{self.begin + at * 60 + second:.3f}"
                if at in up or at in reasons:
                    groups["m365_resource_up"].append(f"m365_resource_up{{{labels}}} {int(at in up)} {time}")
                if at in reasons:
                    groups["m365_resource_problem"].append(f'm365_resource_problem{{{labels},outcome="failure",reason="{reasons[at]}"}} 1 {time}')
                if any(first <= at < end for first, end in place.planned):
                    groups["m365_resource_planned_downtime"].append(f'm365_resource_planned_downtime{{{labels},window="w",type="maintenance"}} 1 {time}')
                if place.latency and at in up:
                    groups["m365_resource_latency_seconds"].append(f"m365_resource_latency_seconds{{{labels}}} {place.latency(at)} {time}")
        return "".join(f"# TYPE {name} gauge\n" + "".join(line + "\n" for line in lines) for name, lines in groups.items() if lines) + "# EOF\n"

    def moment(self, at):
        moment = datetime.datetime.fromtimestamp(self.begin + at * 60, self.zone)
        return moment.isoformat().replace("+00:00", "Z") if self.zone == UTC else moment.isoformat()

    def outages(self, down, known):
        """(first, end, minutes down, unknown within)."""
        found = []
        for at in sorted(down):
            if found:
                between = range(found[-1][1], at)
                if len(between) <= 15 and not any(minute in known for minute in between):
                    found[-1][1] = at + 1
                    found[-1][2] += 1
                    found[-1][3] += len(between)
                    continue
            found.append([at, at + 1, 1, 0])
        return found

    def expected(self, least=50):
        resources = {}
        for place in self.places:
            name = self.renames.get(place.resource, place.resource)
            up, reasons = self.state(place)
            key = (place.account, place.kind, name)
            its = resources.setdefault(key, {}).setdefault(place.location, [set(), {}, set(), []])
            its[0] |= up
            its[1].update(reasons)
            its[2] |= {at for first, end in place.planned for at in range(first, end)}
            if place.latency:
                its[3] += [round(place.latency(at) * 1000) for at in up]
        availability, outages, groups = [], [], {}
        for (account, kind, name), places in sorted(resources.items()):
            planned = set().union(*(its[2] for its in places.values()))
            rows = []
            if len(places) > 1:
                up, down, reasons = set(), set(), {}
                for at in range(self.minutes):
                    says = [at in its[0] for its in places.values() if at in its[0] or at in its[1]]
                    if says.count(False) > says.count(True):
                        down.add(at)
                    elif says:
                        up.add(at)
                rows.append(("all", "", up, down, [its[1] for its in places.values()], sum((its[3] for its in places.values()), [])))
            for location, its in sorted(places.items()):
                rows.append(("place", location, its[0], set(its[1]) - its[0], [its[1]], its[3]))
            for index, (view, location, up, down, reasons, latencies) in enumerate(rows):
                found = self.outages(down, up | down)
                head = {"month": self.name, "account": account, "kind": kind, "resource": name, "location": location}
                figures = self.figures(up, down, planned, latencies, least)
                credit = figures.pop("credit")
                availability.append({**head, **figures, "outages": len(found), "view": view, "credit_percent": credit if kind in COVERED else None,
                                     "commitment_percent": 99.9 if kind in COVERED else None})
                for first, end, minutes, unknown in found:
                    names = [its[at] for its in reasons for at in range(first, end) if at in its]
                    reason = min(set(names), key=lambda word: (-names.count(word), word))
                    outages.append({**head, "start": self.moment(first), "end": self.moment(end), "down_minutes": minutes,
                                    "unmonitored_minutes": unknown, "reason": reason, "view": view,
                                    "planned_minutes": len(down & planned & set(range(first, end)))})
                if index == 0:
                    for of, which in (("all", ""), ("kind", kind), ("account", account)):
                        groups.setdefault((["all", "kind", "account"].index(of), of, which), []).append((up, down, planned, latencies, len(found)))
        totals = []
        for (_, of, which), members in sorted(groups.items()):
            mixed = [{(n, at) for n, member in enumerate(members) for at in member[part]} for part in range(3)]
            figures = self.figures(*mixed, sum((member[3] for member in members), []), least, len(members))
            figures.pop("credit")
            totals.append({"month": self.name, "of": of, "name": which, "resources": len(members), "outages": sum(member[4] for member in members), **figures})
        return {"month": self.name, "arguments": self.arguments, "from": self.moment(0), "to": self.moment(self.minutes),
                "availability": availability, "outages": outages, "totals": totals}

    def figures(self, up, down, planned, latencies, least, resources=1):
        everything = self.minutes * resources
        rest = everything - len(planned)

        def share(good, bad, of):
            known = good + bad
            enough = known and known * 100 >= of * least
            return (math.floor(good * 1_000_000 / known) / 10_000 if enough else None,
                    (25 if good / known < 0.999 else 0) + (25 if good / known < 0.99 else 0) + (50 if good / known < 0.95 else 0) if enough else None)

        with_planned, credit = share(len(up), len(down), everything)
        without, other = share(len(up - planned), len(down - planned), rest)
        ordered = sorted(latencies)
        rank = lambda percent: ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1] / 1000 if ordered else None
        return {"minutes": everything, "up_minutes": len(up), "down_minutes": len(down), "unmonitored_minutes": everything - len(up) - len(down),
                "covered_percent": math.floor((len(up) + len(down)) * 1_000_000 / everything) / 10_000,
                "availability_percent": with_planned, "availability_without_planned_percent": without,
                "planned_minutes": len(planned), "planned_down_minutes": len(down & planned),
                "latency_p50_seconds": rank(50), "latency_p95_seconds": rank(95),
                "credit": None if credit is None or other is None else min(credit, other)}


def months():
    # The golden month: 126 minutes of outage in 43200, 99.7083 %, a credit of 25 %.
    month = Month("2024-09", "UTC", [])
    month.places = [Place("intranet", "ams", [
        (month.minute(4, 9, 12), month.minute(4, 10, 12), "server_error"),
        (month.minute(17, 22, 50), month.minute(17, 23, 30), "timeout"),
        (month.minute(30, 23, 34), month.minutes, "connect")], latency=lambda at: 2.5 if at % 1440 < 80 else 0.3 if at % 2 else 0.2)]
    yield month

    # Three places: one alone is no outage, two are; who does not know does not vote.
    month = Month("2020-02", "UTC", [])
    gap = (month.minute(20), month.minute(21), "gap")
    month.places = [
        Place("intranet", "ams", [(month.minute(3), month.minute(3, 5), "dns"), (month.minute(10), month.minute(10, 0, 50), "server_error"), (month.minute(20, 4), month.minute(20, 5), "timeout"), (month.minute(29, 23), month.minutes, "dns")]),
        Place("intranet", "fra", [(month.minute(10), month.minute(10, 1), "server_error"), gap, (month.minute(29, 23), month.minutes, "timeout")], second=33.3),
        Place("intranet", "nyc", [(month.minute(10, 0, 50), month.minute(10, 1, 10), "tls"), (month.minute(20, 4, 30), month.minute(20, 6), "proxy")], second=0.0)]
    yield month

    # The hour that comes twice: down from 2:30 to 2:30.
    month = Month("2023-10", "Europe/Berlin", [], ["--timezone", "Europe/Berlin"])
    month.places = [Place("helpdesk", "", [(month.minute(29, 2, 30), month.minute(29, 2, 30, fold=1), "server_error"), (month.minute(31, 23, 59), month.minutes, "timeout")], kind="exchange_mailbox", second=59.999)]
    yield month

    # Maintenance every Saturday evening, and what is down within it and beside it; a
    # kind that Microsoft's agreement does not cover.
    month = Month("2024-03", "Europe/Berlin", [], ["--timezone", "europe/berlin"])
    windows = [(month.minute(day, 22), month.minute(day + 1)) for day in (2, 9, 16, 23, 30)]
    month.places = [
        Place("intranet", "ams", [(month.minute(9, 21, 50), month.minute(9, 23, 30), "server_error"), (month.minute(23, 22, 10), month.minute(23, 22, 20), "locked")], planned=windows),
        Place("orders", "ams", [(month.minute(12, 8), month.minute(13, 8), "not_found")], kind="http_endpoint")]
    yield month

    # Renamed on the thirteenth, probed by scrapes that fall before and behind the
    # border of a minute in turns, with restarts; one of them within an outage. What
    # begins and ends does so where the sample lies within its minute.
    month = Month("2024-05", "UTC", [], ["--rename", "portal=intranet"], {"portal": "intranet"})
    border = lambda at: (-0.002, 0.001, 0.0)[at % 3]
    change = month.minute(13, 11, 1)
    month.places = [
        Place("portal", "ams", [(month.minute(5, 8, 1), month.minute(5, 8, 40), "timeout"), (month.minute(5, 8, 10), month.minute(5, 8, 14), "gap"), (change, month.minutes, "gap")], second=border),
        Place("intranet", "ams", [(0, change, "gap"), (month.minute(21, 3, 1), month.minute(21, 3, 16), "gap"), (month.minute(21, 3, 16), month.minute(21, 3, 35), "server_error")], second=border)]
    # The first sample of all would lie before the month.
    month.places[0].events.append((0, 1, "gap"))
    yield month

    # Watched for ten days only: too little for a figure.
    month = Month("2024-08", "UTC", [])
    month.places = [Place("intranet", "ams", [(month.minute(2), month.minute(2, 12), "server_error"), (month.minute(11), month.minutes, "gap")]),
                    Place("hr", "ams", [(month.minute(16, 12), month.minutes, "gap"), (month.minute(3), month.minute(3, 0, 30), "timeout")])]
    yield month


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    expected = []
    for month in months():
        (folder / f"{month.name}.txt").write_text(month.samples())
        expected.append(month.expected())
        if month.name == "2024-08":
            expected.append({**month.expected(0), "arguments": ["--min-coverage", "0"]})
    (folder / "expected.json").write_text(json.dumps(expected, indent=1))

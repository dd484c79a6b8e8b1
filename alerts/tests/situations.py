"""The situations of the matrix: a stage, and what is expected to arrive."""

from stage import STEP, Exporter, Resource, compact

FILES = {
    "single": ("30s", "one place, evaluated every 30 seconds as in production."),
    "places": ("30s", "several places, pairs, exporters that die, restart, vanish."),
    "hours": ("1m", "what takes hours, evaluated every minute."),
    "housekeeping": ("1m", "accounts, credentials, services, licences: what is a ticket or a note."),
}
ALL = []


class Situation:
    """`either` are minutes that are not asked. Where something begins or ends by what a range
    holds, Prometheus 2 and 3 differ by one evaluation: the sample at the very beginning of a
    range is in it in 2 only."""

    def __init__(self, file, name, minutes, exporters, expected, more=(), every=1, step=STEP, also=(), either=()):
        self.file, self.name, self.length, self.exporters = file, name, minutes, exporters
        self.expected, self.more, self.every, self.step, self.also = expected, more, every, step, also
        self.either = either

    def series(self):
        import stage
        stage.STEP = self.step
        for exporter in self.exporters:
            for series, samples in exporter.series(self.length).items():
                yield series, compact(samples)
        stage.STEP = STEP
        yield from self.more

    def minutes(self):
        if self.every < 1:
            asked = [1 + n * self.every for n in range(int((self.length - 1) / self.every))]
        else:
            asked = range(1, self.length, self.every)
        return [minute for minute in asked if minute not in self.either]

    @staticmethod
    def moment(minute):
        return f"{round(minute * 60)}s"

    def at(self, minute):
        expected = {}
        for name, severity, start, end, count in self.expected:
            if start <= minute < end:
                key = ("M365" + name, severity)
                expected[key] = expected.get(key, 0) + count
        return expected


def page(name, start, end, count=1):
    return (name, "page", start, end, count)


def ticket(name, start, end, count=1):
    return (name, "ticket", start, end, count)


def info(name, start, end, count=1):
    return (name, "info", start, end, count)


def owner(minute, alert, whose):
    """Whom to call: one, and always the same."""
    return (minute, f'count by (owner) (ALERTS{{alertname="M365{alert}",alertstate="firing"}})', [(f'{{owner="{whose}"}}', 1)])


def single(name, minutes, resources, expected, **more):
    exporter = {key: more.pop(key) for key in list(more) if key in
                ("restarts", "down", "gone", "skew", "labels", "references", "off_network", "restart_gap", "account_trouble", "blind_scrapes", "location", "accounts", "tenants")}
    file = more.pop("file", "single")
    ALL.append(Situation(file, name, minutes, [Exporter(resources, **exporter)], expected, **more))


def places(name, minutes, exporters, expected, **more):
    ALL.append(Situation(more.pop("file", "places"), name, minutes, exporters, expected, **more))


def site(*trouble, name="intranet", **more):
    more.setdefault("phase", 10)
    return Resource(name, trouble=trouble, **more)


DOWN = (10, 25, "server_error")

# ---- one resource, one place
single("all is well", 30, [site()], [])
single("a dead site: one page, over within five minutes", 40, [site(DOWN)], [page("ResourceDown", 12, 28)])
single("one lost probe", 30, [site((10, 11, "timeout"))], [])
single("one lost probe every ten minutes, twice", 30, [site((10, 11, "timeout"), (20, 21, "connect"))], [])
single("throttled for ten minutes", 30, [site((10, 20, "throttled"))], [])
single("fails, is throttled in the middle, fails on", 40, [site((10, 15, "server_error"), (15, 18, "throttled"), (18, 25, "server_error"))], [page("ResourceDown", 12, 28)])
single("no token in the middle of an outage", 50, [site((10, 15, "timeout"), (15, 30, "token"), (30, 35, "timeout"))], [page("ResourceDown", 12, 38)])
single("the reason alternates", 40, [site((10, 25, lambda n: ["dns", "timeout", "server_error"][n % 3]))], [page("ResourceDown", 12, 28)])
single("never worked: a ticket", 40, [site((0, 40, "not_found"))], [ticket("ResourceNeverWorked", 12, 40)])
single("restarts every five minutes in an outage", 45, [site((10, 30, "server_error"))], [page("ResourceDown", 12, 33)], restarts=(14, 19, 24, 29))
single("restarts every eight minutes in an outage", 45, [site((10, 32, "server_error"))], [page("ResourceDown", 12, 35)], restarts=(14, 22, 30))
single("a restart between two failures", 40, [site((10, 25, "server_error"))], [page("ResourceDown", 13, 28)], restarts=(11,))
single("the exporter is away for four minutes in an outage", 45, [site((10, 30, "server_error"))], [page("ResourceDown", 12, 33), page("ExporterDown", 19, 21)], down=((15, 19),))
single("an outage that nobody can see for more than an hour ends", 130, [site((10, 14, "server_error"), (14, 120, "token"))], [page("ResourceDown", 13, 81), page("Blind", 49, 123)], every=2)
single("removed in an outage", 40, [site((10, 40, "server_error"), removed=15), site(name="hr", phase=40)], [page("ResourceDown", 12, 17)])
single("renamed by a reload", 40, [site((0, 40, None), removed=15), site(name="intranet-2", phase=40, after=15)], [])
single("a label changes by a reload in an outage", 40, [site((10, 25, "server_error"), removed=18, more={"team": "web"}), site((10, 25, "server_error"), after=18, more={"team": "ops"})], [page("ResourceDown", 12, 28)])
single("scrapes fail for three minutes, nothing is wrong", 40, [site()], [], blind_scrapes=((10, 13),))
single("scrapes fail for three minutes in an outage", 40, [site((8, 25, "server_error"))], [page("ResourceDown", 10, 28)], blind_scrapes=((12, 15),))
single("the exporter's clock is ten minutes slow", 40, [site(DOWN)], [page("ResourceDown", 12, 28)], skew=-600)
single("the exporter's clock is an hour fast", 40, [site(DOWN)], [page("ResourceDown", 12, 28)], skew=3600)
single("a resource of five minutes", 70, [site((10, 40, "server_error"), interval=300)], [page("ResourceDown", 16, 43)])
single("housekeeping fails: a ticket", 40, [site(DOWN, impact="housekeeping")], [ticket("HousekeepingDown", 17, 28)])
single("three labels of the configuration arrive", 30, [site((10, 30, "server_error"), more={"team": "web"})], [page("ResourceDown", 12, 30)], labels={"env": "prod", "cluster": "a"},
       also=[(20, 'ALERTS{alertname="M365ResourceDown",team="web",env="prod",cluster="a",owner="Microsoft",location="ams"}',
              [('ALERTS{alertname="M365ResourceDown",alertstate="firing",severity="page",account="contoso",kind="sharepoint_site",resource="intranet",location="ams",team="web",env="prod",cluster="a",owner="Microsoft"}', 1)])])
single("an API of one's own fails: not Microsoft's", 30, [site((10, 30, "server_error"), name="orders", kind="http_endpoint")], [page("ResourceDown", 12, 30)],
       also=[(20, 'count by (owner) (ALERTS{alertname="M365ResourceDown"})', [('{owner="us"}', 1)])])
single("names with all that hurts", 30, [site((10, 30, "tls"), name='a "b" (c) +#&\\')], [page("ResourceDown", 12, 30)])
single("no location at all", 40, [site(DOWN)], [page("ResourceDown", 12, 28)], location="")

# ---- several resources, one place
def some(kinds, count, *trouble, account="contoso", impact=None, names="abcdefgh", planned=()):
    return [Resource(f"{kind}-{names[i]}", kind=kind, account=account, trouble=trouble, phase=5 + (i * 17) % 55, impact=impact, planned=planned) for kind in kinds for i in range(count)]


single("three of one kind: one page for the kind", 40, some(["sharepoint_site"], 3, DOWN), [page("KindAllDown", 12, 28)])
single("three of one kind, three of another are well", 40, some(["sharepoint_site"], 3, DOWN) + some(["exchange_mailbox"], 3), [page("KindAllDown", 12, 28)])
single("three of one kind by their names: the network's, and it stays so while the reasons change", 40, some(["sharepoint_site"], 3, (10, 15, "dns"), (15, 25, "server_error")), [page("KindAllDown", 12, 28)],
       also=[owner(minute, "KindAllDown", "network") for minute in (12, 20, 24)])
single("three APIs of one's own: ours", 40, some(["http_endpoint"], 3, DOWN), [page("KindAllDown", 12, 28)], also=[owner(20, "KindAllDown", "us")])
single("an account whose addresses do not exist any more: ours", 40, some(["sharepoint_site", "exchange_mailbox"], 3, (10, 25, "not_found"), account="x", names="abc") + some(["sharepoint_site", "exchange_mailbox"], 4, account="y", names="mnop"), [page("AccountAllDown", 12, 28)],
       also=[owner(20, "AccountAllDown", "us")])
single("everything of two kinds: one page, Microsoft's, who answer so", 40, some(["sharepoint_site", "exchange_mailbox"], 3, DOWN), [page("AllDown", 12, 28)],
       also=[owner(minute, "AllDown", "Microsoft") for minute in (12, 20, 27)])
single("everything times out: the way there, and it stays so while the reasons change", 40, some(["sharepoint_site", "exchange_mailbox"], 3, (10, 15, "timeout"), (15, 25, "server_error")), [page("AllDown", 12, 28)],
       also=[owner(minute, "AllDown", "network") for minute in (12, 20, 27)])
single("nothing of what is watched exists any more: ours", 40, some(["sharepoint_site", "exchange_mailbox"], 3, (10, 25, "not_found")), [page("AllDown", 12, 28)],
       also=[owner(20, "AllDown", "us")])


def spread(kinds, *trouble, account="contoso", **more):
    """Three of each kind, probed all over the minute: they recover one by one."""
    return [Resource(f"{kind}-{phase}", kind=kind, account=account, trouble=trouble, phase=phase, **more) for kind in kinds for phase in (3, 31, 58)]


single("everything, recovering one by one: nothing comes after its page", 35, spread(["sharepoint_site", "exchange_mailbox"], DOWN), [page("AllDown", 11.5, 28)], every=0.5)
single("a kind, recovering one by one: nothing comes after its page", 35, spread(["sharepoint_site"], DOWN) + spread(["exchange_mailbox"]), [page("KindAllDown", 11.5, 28)], every=0.5)
single("an account, recovering one by one: nothing comes after its page", 35, spread(["sharepoint_site", "exchange_mailbox"], DOWN, account="x") + some(["sharepoint_site", "exchange_mailbox"], 4, account="y", names="mnop"), [page("AccountAllDown", 11.5, 28)], every=0.5)
single("two resources only: single pages", 40, some(["sharepoint_site"], 2, DOWN), [page("ResourceDown", 12, 28, 2)])
single("two of five: single pages", 40, some(["sharepoint_site"], 2, DOWN) + some(["sharepoint_site"], 3, names="mnopq"), [page("ResourceDown", 12, 28, 2)])
single("one of the kind turns unknown in mid-incident", 45, some(["sharepoint_site"], 2, (10, 30, "server_error")) + [site((10, 16, "server_error"), (16, 30, "token"), name="c", phase=50)], [page("KindAllDown", 12, 33)])
single("housekeeping does not count in aggregates", 40, some(["sharepoint_site"], 2, DOWN) + some(["licenses"], 3, DOWN, impact="housekeeping"), [page("ResourceDown", 12, 28, 2), ticket("HousekeepingDown", 17, 28, 3)])
single("a kind in three accounts: one page", 40, [r for a in "xyz" for r in some(["sharepoint_site"], 1, DOWN, account=a, names=a)], [page("KindAllDown", 12, 28)])
single("one account of three: one page for it", 40, some(["sharepoint_site", "exchange_mailbox"], 3, DOWN, account="x", names="abc") + some(["sharepoint_site", "exchange_mailbox"], 4, account="y", names="mnop") + some(["sharepoint_site", "exchange_mailbox"], 4, account="z", names="qrst"), [page("AccountAllDown", 12, 28)])
single("a kind down in three accounts and another account by itself", 40,
       some(["sharepoint_site"], 2, DOWN, account="x", names="ab") + some(["sharepoint_site"], 2, DOWN, account="y", names="cd") + some(["exchange_mailbox"], 3, DOWN, account="z", names="efg") + some(["exchange_mailbox"], 4, account="x", names="mnop"), [page("AccountAllDown", 12, 28), page("KindAllDown", 12, 28)])
single("a place without network, no references: one page", 40, some(["sharepoint_site", "exchange_mailbox"], 3, (10, 25, "connect"), account="x", names="abc") + some(["sharepoint_site", "exchange_mailbox"], 3, (10, 25, "dns"), account="y", names="def"), [page("AllDown", 12, 28)],
       account_trouble=((10, 25, "x", "connect"), (10, 25, "y", "dns")), also=[owner(minute, "AllDown", "network") for minute in (12, 20, 27)])
single("a place without network, with references: one page, offline", 40, some(["sharepoint_site", "exchange_mailbox"], 3, (10, 25, "connect"), account="x", names="abc") + some(["sharepoint_site", "exchange_mailbox"], 3, (10, 25, "dns"), account="y", names="def"), [page("LocationOffline", 12, 28)],
       references=("https://example.com", "tcp://example.net:443"), off_network=((10, 25),), account_trouble=((10, 25, "x", "connect"), (10, 25, "y", "dns")))
single("offline for more than an hour", 120, some(["sharepoint_site"], 3, (10, 100, "timeout")), [page("LocationOffline", 13, 103)], references=("https://example.com",), off_network=((10, 100),), every=2)
single("the references are gone, Microsoft answers: a ticket", 50, some(["sharepoint_site"], 3), [ticket("ReferenceDown", 26, 42)], references=("https://example.com",), off_network=((10, 40),))

# ---- signing in
def signin(account, *trouble):
    return Resource(f"sign-in-{account}", kind="sign_in", account=account, trouble=trouble, phase=sum(map(ord, account)) % 60, service="")


single("Entra is down, tokens live: one page within five minutes", 40, [signin(a, (10, 25, "server_error")) for a in "xy"] + [site(account="x"), site(account="y", name="hr")], [page("SignInServiceDown", 11, 28)])
single("Entra is down, nobody watches sign_in, tokens are asked for", 40, [site(account="x"), site(account="y", name="hr")], [page("SignInServiceDown", 13, 28)],
       account_trouble=((10, 25, "x", "timeout"), (10, 25, "y", "timeout")), either=(27,))
single("the sign-in service fails for reasons that alternate", 40, [site(account="x")], [page("SignInServiceDown", 13, 28)], account_trouble=((10, 25, "x", lambda n: ["timeout", "server_error", "connect"][n % 3]),), either=(27,))
single("one account is refused: a ticket", 60, [site((10, 50, "token"), account="x"), site(account="y", name="hr")], [ticket("AccountRefused", 15, 53)], account_trouble=((10, 50, "x", "refused"),), every=2)
single("a secret ends on Friday night: the whole place is blind", 80, [site((10, 70, "token")), site((10, 70, "token"), name="hr", phase=40)], [ticket("AccountRefused", 15, 73), page("Blind", 45, 73)], account_trouble=((10, 70, "contoso", "refused"),), every=2)
single("throttled for most of an hour, with pauses", 90, [site((10, 70, lambda n: None if n % 6 == 0 else "throttled"))], [ticket("Throttled", 27, 91)], every=2, either=(89,),
       more=[('m365_throttled_until_timestamp_seconds{job="m365mon",instance="ams:10365",account="contoso",location="ams",gate="sharepoint"}', "_x20 " + "9999x8 stale _ " * 12 + "_x60")])

# ---- planned time
single("maintenance: nothing, and no burn page afterwards", 80, [site((20, 40, "server_error"), planned=[(15, 45)])], [], every=2)
single("maintenance that ends early: it works again", 80, [site((20, 30, "server_error"), planned=[(15, 60)])], [], every=2)
single("still down when maintenance ends: a page that minute", 60, [site((20, 55, "server_error"), planned=[(15, 40)])], [page("ResourceDown", 40, 58)])
single("windows that overlap: the page when the last one ends", 70, [site((20, 65, "server_error"), planned={"patches": [(15, 35)], "move": [(30, 50)]})], [page("ResourceDown", 50, 68)])
single("a window within another ends: still planned", 60, [site((20, 40, "server_error"), planned={"patches": [(15, 50)], "short": [(18, 25)]})], [])
# What a window from 1:00 to 4:00 lasts in both nights in which a clock is put.
single("the clock is put back: the night's window is four hours long", 290, [site((30, 265, "server_error"), planned=[(10, 250)])], [page("ResourceDown", 250, 268)], every=2)
single("the clock is put forward: the night's window is two hours long", 170, [site((30, 145, "server_error"), planned=[(10, 130)])], [page("ResourceDown", 130, 148)], every=2)
single("the exporter restarts in maintenance", 60, [site((20, 40, "server_error"), planned=[(15, 45)])], [], restarts=(30,))
single("outside service hours, down from the night before", 60, [site((10, 55, "server_error"), planned=[(0, 30)], window="service_hours")], [page("ResourceDown", 30, 58)])
single("planned resources are on neither side of a ratio", 40, some(["sharepoint_site"], 2, DOWN) + some(["sharepoint_site"], 2, planned=[(0, 40)], names="mn"), [page("ResourceDown", 12, 28, 2)])

# ---- several places
def three(*troubles, names=("ams", "fra", "nyc", "sin", "syd"), **more):
    return [Exporter([site(*trouble, **more)], location=names[i]) for i, trouble in enumerate(troubles)]


LONG = (10, 40, "server_error")
places("two places, both see it: one page", 50, three([LONG], [LONG]), [page("ResourceDown", 12, 43)])
places("two places, one against one: a ticket, a page after a quarter of an hour", 50, three([LONG], []), [ticket("LocationDisagrees", 14, 29), page("ResourceDown", 27, 43)])
places("three places, one sees it: a ticket", 50, three([LONG], [], []), [ticket("LocationDisagrees", 14, 43)])
places("three places, two see it: one page", 50, three([LONG], [LONG], []), [page("ResourceDown", 12, 43)])
places("three places, all see it for different reasons: one page", 50, three([(10, 40, "server_error")], [(10, 40, "timeout")], [(10, 40, "dns")]), [page("ResourceDown", 12, 43)])
places("five places, two see it: a ticket", 50, three([LONG], [LONG], [], [], []), [ticket("LocationDisagrees", 14, 43, 2)])
places("five places, three see it: one page", 50, three([LONG], [LONG], [LONG], [], []), [page("ResourceDown", 12, 43)])
places("three places, one in trouble, another restarts: no page", 50, [Exporter([site(LONG)], location="ams"), Exporter([site()], location="fra", restarts=(20, 25)), Exporter([site()], location="nyc")], [ticket("LocationDisagrees", 14, 43)])
places("two places, one in trouble, the other restarts: no page before its time", 30, [Exporter([site(LONG)], location="ams"), Exporter([site()], location="fra", restarts=(14,))], [ticket("LocationDisagrees", 14, 29), page("ResourceDown", 27, 30)])
places("three places, one dies in its trouble: who is silent disagrees with nobody", 60, [Exporter([site(LONG)], location="ams", down=((17, 50),)), Exporter([site()], location="fra"), Exporter([site()], location="nyc")], [ticket("LocationDisagrees", 14, 24), ticket("ExporterReplicaDown", 23, 52)])
DEAD_IN_TROUBLE = Exporter([site(LONG)], location="ams", down=((20, 75),))
LOSES_TOKEN = ((30, 70, "token"),)
places("three places, one has died in its trouble, the others lose their tokens: no page for its last word", 80, [DEAD_IN_TROUBLE, Exporter([site(*LOSES_TOKEN)], location="fra"), Exporter([site(*LOSES_TOKEN)], location="nyc")],
       [ticket("LocationDisagrees", 14, 27), ticket("ExporterReplicaDown", 26, 77), ticket("ResourceNotMonitored", 45, 67, 2), page("Blind", 65, 73, 2)], either=(44, 64))
places("three places, one has died in its trouble, one loses its token: no page, the third reaches it", 80, [DEAD_IN_TROUBLE, Exporter([site(*LOSES_TOKEN)], location="fra"), Exporter([site()], location="nyc")],
       [ticket("LocationDisagrees", 14, 27), ticket("ExporterReplicaDown", 26, 77), ticket("ResourceNotMonitored", 45, 67), page("Blind", 65, 73)], either=(44, 64))
places("two places, one dies in its trouble, the other reaches it: no page", 80, [DEAD_IN_TROUBLE, Exporter([site()], location="fra")], [ticket("LocationDisagrees", 14, 27), ticket("ExporterReplicaDown", 26, 77)])
places("two places, one dies after its page: it stays, until the other one decides", 80, [Exporter([site((10, 75, "server_error"))], location="ams", down=((20, 75),)), Exporter([site((10, 40, "server_error"))], location="fra")], [page("ResourceDown", 12, 43), ticket("ExporterReplicaDown", 26, 77)])
places("all places die after the page: it stays for as long as anybody may remember", 80, [Exporter([site(LONG)], location="ams", down=((20, 75),)), Exporter([site(LONG)], location="fra", down=((20, 75),))], [page("ResourceDown", 12, 78), page("ExporterDown", 24, 77, 2)])
places("two places, one loses its token after the page: it stays, until the other one decides", 80, [Exporter([site((10, 20, "server_error"), (20, 75, "token"))], location="ams"), Exporter([site((10, 40, "server_error"))], location="fra")], [page("ResourceDown", 12, 43), page("Blind", 55, 78)], either=(54,))
places("three places, one of the two that see it is throttled now and then: one page", 50, three([LONG], [(10, 40, lambda n: "throttled" if n % 4 == 3 else "server_error")], []), [page("ResourceDown", 13, 43)])
places("two places, the other one dies: a single voter decides", 50, [Exporter([site(LONG)], location="ams"), Exporter([site()], location="fra", down=((8, 50),))], [page("ResourceDown", 13, 43), ticket("ExporterReplicaDown", 14, 50)])
places("two places, the other one has no token: a single voter decides", 50, three([LONG], [(0, 5, None), (5, 50, "token")]), [page("ResourceDown", 12, 43), ticket("ResourceNotMonitored", 20, 42), page("Blind", 40, 50)], either=(19, 39))
places("three places, one offline without references: tickets", 40, [Exporter(some(["sharepoint_site"], 3, (10, 30, "connect")), location="ams"), Exporter(some(["sharepoint_site"], 3), location="fra"), Exporter(some(["sharepoint_site"], 3), location="nyc")], [ticket("LocationDisagrees", 14, 33, 3)])
places("two places, one offline with references: its page alone", 40, [Exporter(some(["sharepoint_site"], 3, (10, 30, "connect")), location="ams", references=("https://example.com",), off_network=((10, 30),)), Exporter(some(["sharepoint_site"], 3), location="fra", references=("https://example.com",))], [page("LocationOffline", 12, 33)])
places("two places, all of them down: one page", 40, [Exporter(some(["sharepoint_site", "exchange_mailbox"], 3, DOWN), location=l) for l in ("ams", "fra")], [page("AllDown", 12, 28)],
       also=[owner(minute, "AllDown", "Microsoft") for minute in (12, 20, 27)])
places("Entra is down in three places: one page", 40, [Exporter([site(), signin("contoso", DOWN)], location=l, account_trouble=((12, 25, "contoso", "server_error"),)) for l in ("ams", "fra", "nyc")], [page("SignInServiceDown", 12, 28)])
places("one of three places loses the way to Entra", 40, [Exporter([site()], location="ams", account_trouble=((10, 25, "contoso", "connect"),))] + [Exporter([site()], location=l) for l in ("fra", "nyc")], [])

# ---- exporters
places("the only exporter dies: one page", 40, [Exporter([site()], down=((10, 30),))], [page("ExporterDown", 14, 32)])
places("the only exporter restarts once", 40, [Exporter([site()], restarts=(10,))], [])
places("one exporter dies, an outage elsewhere still pages", 50, [Exporter([site(name="hr")], location="ams", down=((10, 45),)), Exporter([site((20, 40, "server_error"))], location="fra")], [page("ExporterDown", 14, 47), page("ResourceDown", 22, 43)])
places("one of a pair dies: a ticket", 40, [Exporter([site()], instance="a:10365"), Exporter([site()], instance="b:10365", down=((10, 30),))], [ticket("ExporterReplicaDown", 16, 32)])
places("one of a pair dies for longer than an hour: still a ticket", 110, [Exporter([site()], instance="a:10365"), Exporter([site()], instance="b:10365", down=((10, 100),))], [ticket("ExporterReplicaDown", 17, 103)], every=2)
places("a pair sees an outage: one page", 40, [Exporter([site(DOWN)], instance="a:10365"), Exporter([site(DOWN)], instance="b:10365")], [page("ResourceDown", 12, 28)])
places("one of a pair restarts in an outage", 40, [Exporter([site(DOWN)], instance="a:10365", restarts=(15, 20)), Exporter([site(DOWN)], instance="b:10365")], [page("ResourceDown", 12, 28)])
places("one of a pair fails alone: nothing is down", 40, [Exporter([site((10, 25, "connect"))], instance="a:10365"), Exporter([site()], instance="b:10365")], [])
places("the exporter moves to another address in an outage", 50, [Exporter([site((10, 40, "server_error"))], instance="a:10365", gone=((20, 50),)), Exporter([site((10, 40, "server_error"))], instance="b:10365", gone=((0, 21),), down=())], [page("ResourceDown", 12, 43)])
places("a crash loop: one page", 45, [Exporter([site()], restarts=[10 + 1.5 * i for i in range(15)])], [page("ExporterRestarts", 15, 44), ticket("ExporterReplicaRestarts", 42, 45)], either=(41, 43))
places("a crash loop that no scrape sees down: one page", 45, [Exporter([site()], restarts=[10 + 1.5 * i for i in range(15)], restart_gap=0)], [page("ExporterRestarts", 15, 44), ticket("ExporterReplicaRestarts", 42, 45)], either=(41, 43))
places("a crash loop of one of a pair: a ticket", 45, [Exporter([site()], instance="a:10365"), Exporter([site()], instance="b:10365", restarts=[10 + 1.5 * i for i in range(15)])], [ticket("ExporterReplicaRestarts", 15, 45)])
places("an outage in a crash loop pages", 45, [Exporter([site((16, 30, "server_error"))], restarts=[10 + 1.5 * i for i in range(15)])], [page("ExporterRestarts", 15, 44), page("ResourceDown", 22, 33), ticket("ExporterReplicaRestarts", 42, 45)], either=(41, 43))
places("a place vanishes from discovery, others watch the same: a ticket", 50, [Exporter([site()], location="ams"), Exporter([site()], location="fra", gone=((10, 50),))], [ticket("LocationMissing", 20, 50)])
places("a place vanishes from discovery, nobody else watches it: a page", 50, [Exporter([site(name="hr")], location="ams"), Exporter([site()], location="fra", gone=((10, 50),))], [page("LocationUnwatched", 15, 50)])
places("all targets vanish: one page", 40, [Exporter([site()], gone=((10, 40),)), Exporter([site()], location="fra", gone=((10, 40),))], [page("ExporterMissing", 15, 40)])
places("an on_probe target cannot be scraped: a ticket", 40, [Exporter([site()]), Exporter([], instance="intranet", job="m365mon-probes", down=((10, 40),))], [ticket("ProbeTargetDown", 25, 40)])
places("an exporter dies with its on_probe targets: one page", 40, [Exporter([site()], down=((10, 30),)), Exporter([], instance="intranet", job="m365mon-probes", down=((10, 30),))], [page("ExporterDown", 14, 32)])

# ---- hours


def chance(share, seed, reason="server_error"):
    """Fails so many of a hundred, the same every time."""
    state = seed
    results = []
    for _ in range(2000):
        state = (state * 1103515245 + 12345) % 2**31
        results.append(reason if (state >> 16) % 100 < share else None)
    return lambda count: results[count % len(results)]


# Share, seed, from when to when it is told, and what else is.
for share, seed, start, end, more in (
    (10, 1, 46, 391, []), (10, 2, 56, 386, []), (10, 3, 51, 381, []),
    (15, 1, 46, 391, []), (15, 2, 56, 386, []), (15, 3, 46, 386, []),
    (30, 1, 41, 391, []), (30, 2, 46, 396, []), (30, 3, 46, 396, [page("ResourceDown", 41, 46)]),
):
    single(f"{share} % failing for five hours, then well ({seed})", 460, [site((30, 330, chance(share, seed)))], [page("ResourceUnstable", start, end), *more], file="hours", every=5,
           either=(391,) if (share, seed) == (30, 3) else ())
single("two percent failing for hours", 700, [site((0, 600, lambda n: "timeout" if n % 50 == 49 else None))], [ticket("ErrorBudgetBurnSlow", 251, 301), page("ErrorBudgetBurn", 301, 701)], file="hours", every=10, also=[owner(400, "ErrorBudgetBurn", "Microsoft")])
single("an outage of twenty minutes: no burn page afterwards", 400, [site((60, 80, "server_error"))], [page("ResourceDown", 66, 86)], file="hours", every=5)
single("two outages in an afternoon: two pages", 400, [site((60, 80, "server_error"), (200, 215, "timeout"))], [page("ResourceDown", 66, 86), page("ResourceDown", 206, 221)], file="hours", every=5)
single("keeps failing, then is down for good", 240, [site((20, 100, chance(30, 2)), (100, 180, "server_error"))], [page("ResourceDown", 26, 31), page("ResourceDown", 116, 186), page("ResourceUnstable", 36, 166)], file="hours", every=5)
places("one of three places keeps failing: a ticket", 240, three([(20, 200, chance(20, 1))], [], []), [ticket("LocationDisagrees", 36, 241)], file="hours", every=5)
places("two of three places keep failing: one page", 300, three([(20, 200, chance(20, 1))], [(20, 200, chance(20, 2))], []), [page("ResourceUnstable", 36, 251), ticket("LocationDisagrees", 251, 261)], file="hours", every=5)
places("two of three places keep failing, for different reasons: one page", 300, three([(20, 200, chance(20, 1))], [(20, 200, chance(20, 2, "dns"))], []), [page("ResourceUnstable", 36, 251), ticket("LocationDisagrees", 251, 261)], file="hours", every=5,
       also=[owner(100, "ResourceUnstable", "Microsoft")])
single("slower than the limit for hours", 240, [site(latency=lambda m: 6.0 if 60 <= m < 180 else 0.4)], [ticket("ResourceSlow", 81, 201)], file="hours", every=5, either=(196,))
single("one slow answer, shown for long, is not slow", 240, [site(interval=1800, latency=lambda m: 9.0 if 60 <= m < 85 else 0.4)], [], file="hours", every=5)
single("a slow minute is not slow", 120, [site(latency=lambda m: 9.0 if 60 <= m < 63 else 0.4)], [], file="hours", every=5)

# ---- housekeeping: raw series beside a site that is well
DAY = 86400
TARGET = 'job="m365mon",instance="ams:10365",location="ams"'


def raw(name, labels, values):
    return (f"m365_{name}{{{TARGET},{labels}}}", values)


def quiet(name, expected, *series, minutes=90, resources=None, **more):
    single(name, minutes, resources or [site()], expected, file="housekeeping", every=5, more=series, **more)


SECRET = 'account="contoso",credential="client_secret"'
quiet("a secret that ends in 40 days", [], raw("credential_expiry_timestamp_seconds", SECRET, f"{40 * DAY}x180"))
quiet("a secret that ends in 20 days: a ticket", [ticket("CredentialExpiresSoon", 11, 91)], raw("credential_expiry_timestamp_seconds", SECRET, f"{20 * DAY}x180"))
quiet("a secret that ends in 5 days: urgent", [ticket("CredentialExpiresVerySoon", 11, 91)], raw("credential_expiry_timestamp_seconds", SECRET, f"{5 * DAY}x180"))
quiet("a secret that has ended", [ticket("CredentialExpiresVerySoon", 11, 31), ticket("CredentialExpired", 31, 91)], raw("credential_expiry_timestamp_seconds", SECRET, "1800x180"))
quiet("a secret that has ended is refused, until the new one is taken: one ticket", [ticket("CredentialExpiresVerySoon", 11, 31), ticket("CredentialExpired", 31, 66)], raw("credential_expiry_timestamp_seconds", SECRET, f"1800x120 {400 * DAY}x60"),
      account_trouble=((30, 63, "contoso", "refused"),))
quiet("a secret is replaced", [ticket("CredentialExpiresVerySoon", 11, 51)], raw("credential_expiry_timestamp_seconds", SECRET, f"{5 * DAY}x90 {400 * DAY}x90"))
quiet("a refresh token that renews itself", [], raw("credential_expiry_timestamp_seconds", 'account="contoso",credential="refresh_token"', f"{89 * DAY}x180"))
quiet("a consent that ends in ten days: a ticket", [ticket("CredentialExpiresSoon", 11, 91)], raw("credential_expiry_timestamp_seconds", 'account="contoso",credential="consent"', f"{10 * DAY}x180"))
quiet("somebody must sign in, over a restart", [ticket("SignInRequired", 26, 91)], raw("account_sign_in_required", 'account="contoso"', "0x40 1x60 stale _x3 1x76"))
quiet("access to a resource ends in two days: a note", [info("AccessEndsSoon", 11, 91)], raw("resource_token_expiry_timestamp_seconds", 'account="contoso",kind="sharepoint_site",resource="intranet"', f"{2 * DAY}x180"))
quiet("a permission is missing, over a restart", [ticket("ResourceForbidden", 36, 76)], resources=[site((20, 70, "forbidden")), site(name="hr", phase=40)], restarts=(50,))
quiet("the probe is not understood", [ticket("ResourceRejected", 36, 76)], resources=[site((20, 70, "rejected")), site(name="hr", phase=40)])
quiet("rights beyond need, and rights to a whole tenant: notes", [info("ExcessPermissions", 61, 91), info("TenantWidePermissions", 61, 91)], raw("account_excess_permissions", 'account="contoso"', "2x200"), raw("account_tenant_wide_permissions", 'account="contoso"', "1x200"))
quiet("tokens are slow", [ticket("SignInSlow", 61, 201)], raw("token_request_duration_seconds_sum", 'account="contoso"', "0+0.1x400"), raw("token_request_duration_seconds_count", 'account="contoso"', "0+0.02x400"), minutes=200)
quiet("tokens are quick", [], raw("token_request_duration_seconds_sum", 'account="contoso"', "0+0.01x400"), raw("token_request_duration_seconds_count", 'account="contoso"', "0+0.02x400"), minutes=200)
quiet("a short throttling", [], raw("throttled_until_timestamp_seconds", 'account="contoso",gate="sharepoint"', "_x20 9999x10 stale _x149"))
quiet("one application's last secret ends in ten days: a ticket", [ticket("ApplicationCredentialEndsSoon", 11, 91)],
      raw("application_credential_expiry_timestamp_seconds", 'account="contoso",kind="app_credentials",resource="apps",application="payroll",credential="client_secret",end="last"', f"{10 * DAY}x180"))
quiet("an old secret ends beside a new one: nothing", [],
      raw("application_credential_expiry_timestamp_seconds", 'account="contoso",kind="app_credentials",resource="apps",application="payroll",credential="client_secret",end="first"', f"{DAY}x180"),
      raw("application_credential_expiry_timestamp_seconds", 'account="contoso",kind="app_credentials",resource="apps",application="payroll",credential="client_secret",end="last"', f"{200 * DAY}x180"))
quiet("one application's last secret ends in two days: urgent", [ticket("ApplicationCredentialEndsVerySoon", 11, 91)],
      raw("application_credential_expiry_timestamp_seconds", 'account="contoso",kind="app_credentials",resource="apps",application="payroll",credential="client_secret",end="last"', f"{2 * DAY}x180"))
quiet("one application's last secret has ended: urgent", [ticket("ApplicationCredentialEndsVerySoon", 11, 26), ticket("ApplicationCredentialEnded", 31, 91)],
      raw("application_credential_expiry_timestamp_seconds", 'account="contoso",kind="app_credentials",resource="apps",application="payroll",credential="client_secret",end="last"', "1200x180"))
LICENSE = 'account="contoso",kind="licenses",resource="licences",sku="SPE_E3"'
quiet("licences are there", [], raw("license_consumed_units", LICENSE, "90x200"), raw("license_units", LICENSE + ',state="enabled"', "100x200"), raw("license_units", LICENSE + ',state="warning"', "0x200"), minutes=100)
quiet("licences run short: a ticket", [ticket("LicensesShort", 61, 121)], raw("license_consumed_units", LICENSE, "99x240"), raw("license_units", LICENSE + ',state="enabled"', "100x240"), minutes=120)
quiet("licences lapse: a ticket", [ticket("LicensesLapse", 61, 121)], raw("license_consumed_units", LICENSE, "9x240"), raw("license_units", LICENSE + ',state="enabled"', "100x240"), raw("license_units", LICENSE + ',state="warning"', "100x240"), minutes=120)
quiet("a subscription ends in three weeks: a ticket", [ticket("LicensesLapse", 61, 121)], raw("license_next_lifecycle_timestamp_seconds", LICENSE, f"{21 * DAY}x240"), minutes=120)
SYNC = 'account="contoso",kind="directory_sync",resource="sync"'
quiet("the directory is synchronised every half hour", [], raw("directory_last_sync_timestamp_seconds", SYNC, "0x59 1800x59 3600x59 5400x59 7200x63"), raw("directory_sync_enabled", SYNC, "1x300"), minutes=150)
quiet("the directory is not synchronised any more: a ticket", [ticket("DirectorySyncLate", 201, 241)], raw("directory_last_sync_timestamp_seconds", SYNC, "600x480"), raw("directory_sync_enabled", SYNC, "1x480"), minutes=240)
quiet("the directory is not synchronised, and shall not be", [], raw("directory_last_sync_timestamp_seconds", SYNC, "600x480"), raw("directory_sync_enabled", SYNC, "0x480"), minutes=240)
quiet("Apple's push certificate ends in three weeks: a ticket", [ticket("PushCertificateEndsSoon", 11, 91)], raw("apple_push_certificate_expiry_timestamp_seconds", 'account="contoso",kind="apple_push_certificate",resource="push"', f"{21 * DAY}x180"))
quiet("the list of addresses changes: a note", [info("EndpointListChanged", 31, 91)], raw("endpoint_list_version", 'account="",kind="endpoint_list",resource="addresses"', "2026110100x60 2026120100x120"))
quiet("Microsoft wants something done within a week: a note", [info("MessageCenterActionDue", 61, 121)], raw("message_center_next_action_timestamp_seconds", 'account="contoso",kind="message_center",resource="messages"', f"{7 * DAY}x240"), minutes=120)
quiet("the certificate of an endpoint ends in ten days: a ticket", [ticket("CertificateEndsSoon", 11, 91)], raw("resource_certificate_expiry_timestamp_seconds", 'account="",kind="http_endpoint",resource="shop"', f"{10 * DAY}x180"))
quiet("Microsoft's own certificate ends in ten days: nothing", [], raw("resource_certificate_expiry_timestamp_seconds", 'account="contoso",kind="sharepoint_site",resource="intranet"', f"{10 * DAY}x180"))
quiet("somebody opens TLS on the way: a note", [info("TlsIntercepted", 16, 91)], raw("resource_tls_intercepted", 'account="contoso",kind="sharepoint_site",resource="intranet"', "1x180"))
MAIL = Resource("mail-out", kind="mail_round_trip", interval=300, phase=20, service="Exchange")
quiet("mail takes four minutes: a ticket", [ticket("MailLate", 41, 66)], raw("mail_delivery_seconds", 'account="contoso",kind="mail_round_trip",resource="mail-out"', "9x39 240x79 9x60"), resources=[MAIL])
quiet("one message takes four minutes: nothing", [], raw("mail_delivery_seconds", 'account="contoso",kind="mail_round_trip",resource="mail-out"', "9x39 240x9 9x130"), resources=[MAIL])


def mail(interval, **more):
    return Resource("mail-out", kind="mail_round_trip", interval=interval, phase=20, service="Exchange", waits=True, **more)


def delivery(values):
    return raw("mail_delivery_seconds", 'account="contoso",kind="mail_round_trip",resource="mail-out"', values)


# From minute 20 (or 60) on.
quiet("mail every fifteen minutes takes four: a ticket", [ticket("MailLate", 46, 126)], delivery("9x39 240x199 9x100"), resources=[mail(900)], minutes=160)
quiet("mail every twenty minutes takes four: a ticket that stays", [ticket("MailLate", 51, 146)], delivery("9x39 240x239 9x100"), resources=[mail(1200)], minutes=180)
quiet("mail every hour takes four minutes: a ticket after the second one", [ticket("MailLate", 151, 306)], delivery("9x119 240x479 9x140"), resources=[mail(3600)], minutes=360)
quiet("mail every hour, one takes four minutes: nothing", [], delivery("9x119 240x119 9x300"), resources=[mail(3600)], minutes=250)
quiet("mail is late, over a restart of ten minutes", [ticket("MailLate", 41, 116), page("ExporterDown", 66, 76)], delivery("9x39 240x79 stale _x19 240x80 9x100"), resources=[MAIL], minutes=140, down=((60, 70),))
quiet("mail every hour is late, over a restart after which it waits", [ticket("MailLate", 151, 366), page("ExporterDown", 206, 216)], delivery("9x119 240x279 stale _x79 240x239 9x140"), resources=[mail(3600)], minutes=420, down=((200, 210),))
quiet("mail is late, and is not watched any more", [ticket("MailLate", 41, 66)], delivery("9x39 240x79 stale _x120"), resources=[mail(300, removed=60), site()], minutes=120)
quiet("mail is lost one way: a page for that direction", [page("ResourceDown", 26, 66)], resources=[Resource("mail-out", kind="mail_round_trip", interval=300, phase=20, service="Exchange", trouble=[(20, 60, "timeout")]), Resource("mail-in", kind="mail_round_trip", interval=300, phase=80, service="Exchange")])


def says(service, *spans):
    """Microsoft's word: [(status, values)]."""
    return [raw("service_status", f'account="contoso",kind="service_health",resource="health",service="{service}",status="{status}"', values) for status, values in spans]


quiet("it fails here, Microsoft calls it operational: a ticket beside the page", [page("ResourceDown", 26, 76), ticket("MicrosoftUnaware", 41, 76)], *says("SharePoint", ("operational", "1x180"), ("interrupted", "0x180")), resources=[site((20, 70, "server_error"))])
quiet("it fails here, and Microsoft says so: the page alone", [page("ResourceDown", 26, 91)], *says("SharePoint", ("operational", "1x50 0x130"), ("interrupted", "0x50 1x130")), resources=[site((20, 85, "server_error"))])
quiet("Microsoft calls it interrupted, nothing fails here: a note, never a page", [info("MicrosoftReports", 31, 91)], *says("Exchange", ("operational", "1x39 0x140"), ("interrupted", "0x39 1x140")))
quiet("our network fails, Microsoft calls it operational: nothing of Microsoft", [page("ResourceDown", 26, 76)], *says("SharePoint", ("operational", "1x180"), ("interrupted", "0x180")), resources=[site((20, 70, "dns"))])
TWO = {"x": "x.onmicrosoft.com", "y": "y.onmicrosoft.com"}


def told(account, status, values="1x180", where=TARGET):
    """Microsoft's word of SharePoint to the tenant of an account."""
    return (f'm365_service_status{{{where},account="{account}",kind="service_health",resource="health-{account}",service="SharePoint",status="{status}"}}', values)


def sites(x=(), y=(), **more):
    return [site(*x, account="x", name="sx", **more), site(*y, account="y", name="sy", **more)]


FAILS = ((20, 70, "server_error"),)
quiet("it fails in one tenant; Microsoft calls it operational in the other one, and says so in this one", [page("ResourceDown", 26, 76)], told("x", "interrupted", "0x39 1x100 0x40"), told("y", "operational"), resources=sites(x=FAILS), tenants=TWO)
quiet("it fails in one tenant; Microsoft says so of the other one only", [page("ResourceDown", 26, 76), ticket("MicrosoftUnaware", 41, 76), info("MicrosoftReports", 11, 91)], told("x", "operational"), told("y", "interrupted"), resources=sites(x=FAILS), tenants=TWO,
      also=[(60, 'ALERTS{alertname=~"M365Microsoft.*",alertstate="firing"}', [('ALERTS{alertname="M365MicrosoftUnaware",alertstate="firing",severity="ticket",owner="Microsoft",service="SharePoint",tenant="x.onmicrosoft.com"}', 1),
             ('ALERTS{alertname="M365MicrosoftReports",alertstate="firing",severity="info",owner="Microsoft",service="SharePoint",status="interrupted",tenant="y.onmicrosoft.com"}', 1)])])
quiet("health is asked through another account of the same tenant", [page("ResourceDown", 26, 76), ticket("MicrosoftUnaware", 41, 76)], told("y", "operational"), resources=sites(x=FAILS), tenants={"x": "x.onmicrosoft.com", "y": "x.onmicrosoft.com"})
ELSEWHERE = TARGET.replace("ams", "fra")
places("two tenants from two places: one ticket for the one that fails, one note for the other one", 90, [Exporter(sites(x=FAILS), location=place, tenants=TWO) for place in ("ams", "fra")], [page("ResourceDown", 26, 76), ticket("MicrosoftUnaware", 41, 76), info("MicrosoftReports", 11, 91)],
       more=[told("x", "operational"), told("x", "operational", where=ELSEWHERE), told("y", "degraded"), told("y", "degraded", where=ELSEWHERE)], file="housekeeping", every=5)
places("two places, one tenant each: the word in one is not that in the other", 90, [Exporter([site(*FAILS, account="x", name="sx")], location="ams", tenants=TWO), Exporter([site(account="y", name="sy")], location="fra", tenants=TWO)], [page("ResourceDown", 26, 76), info("MicrosoftReports", 11, 91)],
       more=[told("y", "interrupted", where=ELSEWHERE)], file="housekeeping", every=5)
PROCESS = "m365mon_%s{" + TARGET + "}"
quiet("a reload fails: a ticket", [ticket("ConfigReloadFailed", 31, 66)], (PROCESS % "config_last_reload_successful", "1x40 0x80 1x60"))
quiet("the token store cannot be written: urgent", [ticket("StorageUnwritable", 26, 66)], (PROCESS % "storage_writable", "1x40 0x80 1x60"))
quiet("probes are left out: a ticket", [ticket("ProbesSkipped", 41, 76)], (f'm365mon_probes_skipped_total{{{TARGET},cause="overlap"}}', "0x40 0+1x80 80x60"))
quiet("probes wait at a gate: nothing of the exporter", [], (f'm365mon_probes_skipped_total{{{TARGET},cause="gate"}}', "0x40 0+1x80 80x60"))
quiet("probes start late: a ticket", [ticket("ProbesLate", 16, 91)], (f'm365mon_probe_start_delay_seconds_bucket{{{TARGET},le="1.0"}}', "0+8x180"), (f'm365mon_probe_start_delay_seconds_bucket{{{TARGET},le="10.0"}}', "0+10x180"), (f'm365mon_probe_start_delay_seconds_bucket{{{TARGET},le="+Inf"}}', "0+10x180"))
GROUP = 'rule_group="/etc/prometheus/m365mon-alerts.yml;m365mon-pages"'
quiet("rules fail: a page", [page("RulesFail", 26, 61)], (f"prometheus_rule_evaluation_failures_total{{job=\"prometheus\",{GROUP}}}", "0x40 1+1x60 61x80"))
quiet("rules of others fail: nothing", [], ('prometheus_rule_evaluation_failures_total{job="prometheus",rule_group="/etc/prometheus/other.yml;other"}', "0x40 1+1x60 61x80"))


def notifications(*counts):
    """(what, alertmanager or None, values): what Prometheus counts of them."""
    return [(f'prometheus_notifications_{what}_total{{job="prometheus",instance="prometheus:9090"' + (f',alertmanager="{whose}"' if whose else "") + "}", values)
            for what, whose, values in counts]


# Up to about Prometheus 3.0: sent counts alerts, also those that failed; errors count
# batches; dropped counts what nobody took, once for all.
TWENTY, BATCH, NONE, ENDS = "0+20x180", "0x40 1+1x60 61x80", "0x180", "0x40 20+20x60 1220x80"
quiet("Alertmanager takes nothing, twenty alerts fire, Prometheus 2: a page", [page("NotificationsFail", 26, 66)], *notifications(("sent", "a", TWENTY), ("errors", "a", BATCH), ("dropped", None, ENDS)))
quiet("one of two Alertmanagers takes nothing, Prometheus 2: nothing", [], *notifications(("sent", "a", TWENTY), ("sent", "b", TWENTY), ("errors", "a", BATCH), ("errors", "b", NONE), ("dropped", None, NONE)))
# Since 3.3 or so errors count alerts, and what one of two groups of Alertmanagers did not
# take is dropped.
quiet("Alertmanager takes nothing, Prometheus 3.5: a page", [page("NotificationsFail", 26, 66)], *notifications(("sent", "a", TWENTY), ("errors", "a", ENDS), ("dropped", None, ENDS)))
quiet("one of two groups of Alertmanagers takes nothing, Prometheus 3.5: nothing", [], *notifications(("sent", "a", TWENTY), ("sent", "b", TWENTY), ("errors", "a", ENDS), ("errors", "b", NONE), ("dropped", None, ENDS)))
# With a queue for each: sent counts what was taken, dropped is for each.
quiet("both Alertmanagers take nothing, a queue for each: a page", [page("NotificationsFail", 26, 66)], *notifications(*[(what, whose, values) for whose in "ab" for what, values in (("sent", "0+20x40 800x140"), ("errors", ENDS), ("dropped", ENDS))]))
quiet("one of two Alertmanagers takes nothing, a queue for each: nothing", [], *notifications(("sent", "a", NONE), ("sent", "b", TWENTY), ("errors", "a", ENDS), ("errors", "b", NONE), ("dropped", "a", ENDS), ("dropped", "b", NONE)))


# ---- what lasts over a restart of ten minutes
def over(name, values, expected, labels, *series, **more):
    """A series that is absent from minute 100 to 110, beside an exporter that is."""
    quiet(name + ", over a restart of ten minutes", [*expected, page("ExporterDown", 106, 116)], raw(*labels, f"{values}x200 stale _x18 {values}x120"), *series, minutes=150, down=((100, 110),), **more)


APPLICATION = 'account="contoso",kind="app_credentials",resource="apps",application="payroll",credential="client_secret",end="last"'
over("a secret that ends in 20 days", 20 * DAY, [ticket("CredentialExpiresSoon", 11, 151)], ("credential_expiry_timestamp_seconds", SECRET))
over("a secret that ends in 5 days", 5 * DAY, [ticket("CredentialExpiresVerySoon", 11, 151)], ("credential_expiry_timestamp_seconds", SECRET))
over("one application's last secret ends in ten days", 10 * DAY, [ticket("ApplicationCredentialEndsSoon", 11, 151)], ("application_credential_expiry_timestamp_seconds", APPLICATION))
over("one application's last secret ends in two days", 2 * DAY, [ticket("ApplicationCredentialEndsVerySoon", 11, 151)], ("application_credential_expiry_timestamp_seconds", APPLICATION))
over("the certificate of an endpoint ends in ten days", 10 * DAY, [ticket("CertificateEndsSoon", 11, 151)], ("resource_certificate_expiry_timestamp_seconds", 'account="",kind="http_endpoint",resource="shop"'))
quiet("licences run short, over a restart of ten minutes", [ticket("LicensesShort", 61, 151), page("ExporterDown", 106, 116)], raw("license_consumed_units", LICENSE, "99x200 stale _x18 99x120"), raw("license_units", LICENSE + ',state="enabled"', "100x200 stale _x18 100x120"), minutes=150, down=((100, 110),))
quiet("licences lapse, over a restart of ten minutes", [ticket("LicensesLapse", 61, 151), page("ExporterDown", 106, 116)], raw("license_units", LICENSE + ',state="warning"', "100x200 stale _x18 100x120"), minutes=150, down=((100, 110),))
quiet("the directory is not synchronised any more, over a restart of ten minutes", [ticket("DirectorySyncLate", 201, 281), page("ExporterDown", 226, 236)], raw("directory_last_sync_timestamp_seconds", SYNC, "600x440 stale _x18 600x120"), raw("directory_sync_enabled", SYNC, "1x440 stale _x18 1x120"), minutes=280, down=((220, 230),))
quiet("the directory is not synchronised, and shall not be, over a restart of twenty minutes", [page("ExporterDown", 226, 246)], raw("directory_last_sync_timestamp_seconds", SYNC, "600x440 stale _x38 600x120"), raw("directory_sync_enabled", SYNC, "0x440 stale _x38 0x120"), minutes=280, down=((220, 240),))
quiet("tokens are slow, over a restart of ten minutes", [ticket("SignInSlow", 61, 201), page("ExporterDown", 156, 166)], raw("token_request_duration_seconds_sum", 'account="contoso"', "0+0.1x300 stale _x18 0+0.1x200"), raw("token_request_duration_seconds_count", 'account="contoso"', "0+0.02x300 stale _x18 0+0.02x200"), minutes=200, down=((150, 160),))
single("slow for hours, over a restart of ten minutes", 240, [site(latency=lambda m: 6.0 if 60 <= m < 180 else 0.4)], [ticket("ResourceSlow", 81, 201), page("ExporterDown", 126, 136)], file="hours", every=5, down=((120, 130),))
single("two percent failing for hours, over a restart of ten minutes", 600, [site((0, 600, lambda n: "timeout" if n % 50 == 49 else None))], [ticket("ErrorBudgetBurnSlow", 251, 301), page("ErrorBudgetBurn", 301, 601)], file="hours", every=10, either=(401, 411), down=((400, 410),))

# ---- what waits for its phase after a start: what writes, and what has a least interval
HOUR = dict(interval=3600, waits=True)
single("every hour, a first start: nothing until its turn", 130, [site(name="rare", phase=3300, **HOUR)], [], file="hours", every=5)
single("every hour, a restart after which it waits: nothing", 240, [site(name="rare", phase=300, **HOUR)], [], restarts=(126,), file="hours", every=5)
single("every hour beside every minute, a restart after which it waits: nothing", 240, [site(name="rare", phase=300, **HOUR), site()], [], restarts=(126,), file="hours", every=5)
single("every hour, never conclusive: a ticket after an interval and five minutes", 200, [site((0, 200, "token"), name="rare", phase=300, **HOUR), site()], [ticket("ResourceNotMonitored", 66, 201)], restarts=(126,), file="hours", every=5)
single("every hour, down over a restart after which it waits: one page", 400, [site((60, 300, "server_error"), name="rare", phase=300, **HOUR)], [page("ResourceDown", 126, 311)], restarts=(186,), file="hours", every=5)
single("every hour, never worked, over a restart after which it waits", 400, [site((0, 400, "not_found"), name="rare", phase=300, **HOUR), site()], [ticket("ResourceNeverWorked", 76, 401)], restarts=(186,), file="hours", every=5)
single("every hour, a permission is missing, over a restart after which it waits", 300, [site((60, 300, "forbidden"), name="rare", phase=300, **HOUR), site()], [ticket("ResourceForbidden", 81, 301)], restarts=(126,), file="hours", every=5)
places("every hour, one of three places sees it, the others restart and wait: a ticket", 400, [Exporter([site((60, 300, "server_error"), name="rare", phase=300, **HOUR)], location="ams"), Exporter([site(name="rare", phase=600, **HOUR)], location="fra", restarts=(136,)), Exporter([site(name="rare", phase=900, **HOUR)], location="nyc", restarts=(142,))],
       [ticket("LocationDisagrees", 131, 311)], file="hours", every=5)

# Housekeeping over a restart, and what goes on for hours, is in the file that is run before a
# release.
for situation in ALL:
    if situation.file == "housekeeping" and ("over a restart" in situation.name or situation.length >= 240):
        situation.file = "hours"

// Keeps a page fresh while somebody looks at it: asks every ten seconds (three
// while it waits for something, data-soon) and takes over the pieces that
// changed. Ages grow in between. A page whose exporter is silent says so.
// Without this script the page works as well: it is read once.
(() => {
  const main = document.querySelector("main");
  const stale = document.querySelector("#stale");
  if (!main || !stale) return;
  const PERIOD = 10000;
  const SOON = 3000;

  // The exporter's clock counts, not this machine's.
  let told = Date.parse(main.dataset.now);
  let heard = performance.now();
  const now = () => told + (performance.now() - heard);

  const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const span = (seconds) => {
    const place = UNITS.findIndex(([size]) => seconds >= size);
    if (place < 0) return "0 s";
    const [size, unit] = UNITS[place];
    const first = `${Math.floor(seconds / size)} ${unit}`;
    const [small, next] = UNITS[place + 1] ?? [];
    const rest = small ? Math.floor((seconds % size) / small) : 0;
    return rest > 0 ? `${first} ${rest} ${next}` : first;
  };
  const age = () => {
    for (const time of main.querySelectorAll("time[data-ago]")) {
      const text = span(Math.max(0, Math.floor((now() - Date.parse(time.dateTime)) / 1000)));
      if (time.textContent !== text) time.textContent = text;
    }
  };

  const period = () => (main.querySelector("[data-soon]") ? SOON : PERIOD);
  const doubt = () => {
    const silent = performance.now() - heard;
    if (silent < 2 * PERIOD + 5000 && !missed) return;
    const at = new Date(told).toISOString().slice(11, 19);
    const what = refusal ? `answers with an error (${refusal})` : "does not answer";
    const text = `The exporter ${what}. What stands here was true at ${at} UTC, ${span(Math.floor(silent / 1000))} ago; nobody knows what is true now.`;
    if (stale.textContent !== text) stale.textContent = text;
    stale.hidden = false;
    document.body.classList.add("is-stale");
  };
  const trust = () => {
    stale.hidden = true;
    stale.textContent = "";
    stale.classList.remove("is-paused");
    document.body.classList.remove("is-stale");
  };
  const pause = () => {
    const text = "Not refreshed while something is typed or selected.";
    if (stale.textContent !== text) stale.textContent = text;
    stale.classList.add("is-paused");
    stale.hidden = false;
  };

  // Takes the new content over; a piece that is here already comes as an empty
  // element with its mark.
  const show = (fresh) => {
    const here = new Map();
    for (const part of main.querySelectorAll("[data-part]")) here.set(part.dataset.part, part);
    for (const part of fresh.querySelectorAll("[data-part]")) {
      if (part.childElementCount === 0) {
        const kept = here.get(part.dataset.part);
        if (!kept) return false;
        here.delete(part.dataset.part);
        part.replaceWith(kept);
      }
    }
    const focused = document.activeElement;
    const href = main.contains(focused) ? focused.getAttribute("href") : null;
    const open = [...main.querySelectorAll("details[open]")].map((one) => one.dataset.keep);
    main.replaceChildren(...fresh.childNodes);
    Object.assign(main.dataset, fresh.dataset);
    for (const one of main.querySelectorAll("details")) {
      if (open.includes(one.dataset.keep)) one.open = true;
    }
    if (href) main.querySelector(`a[href="${CSS.escape(href)}"]`)?.focus({ preventScroll: true });
    document.title = main.dataset.title;
    const icon = document.querySelector("link[rel=icon]");
    const picture = icon.getAttribute("href").replace(/icon-\w+/, `icon-${main.dataset.icon}`);
    if (icon.getAttribute("href") !== picture) icon.setAttribute("href", picture);
    document.dispatchEvent(new Event("m365mon-shown"));
    return true;
  };

  let missed = false;
  let refusal = 0;
  let shown = heard;
  const marks = () =>
    [...main.querySelectorAll("[data-part]")].map((part) => part.dataset.part).join(",");
  const ask = async (seen) => {
    const answer = await fetch(location.href, {
      cache: "no-store",
      headers: { Accept: "text/html", "M365mon-Seen": seen },
      signal: AbortSignal.timeout(PERIOD),
    });
    refusal = answer.ok ? 0 : answer.status;
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return page.querySelector("main");
  };
  const look = async () => {
    const focused = document.activeElement;
    const busy = focused && ["INPUT", "SELECT", "BUTTON"].includes(focused.tagName);
    if (document.hidden) return;
    try {
      const fresh = await ask(marks());
      told = Date.parse(fresh.dataset.now);
      heard = performance.now();
      missed = false;
      trust();
      // Nothing moves under the hands of somebody who types or selects, but
      // what gets old meanwhile says so.
      if (busy || String(getSelection())) {
        if (performance.now() - shown > 2 * PERIOD) pause();
        return;
      }
      shown = heard;
      if (!show(fresh)) show(await ask(""));
      age();
    } catch (error) {
      if (String(refusal) !== error.message) refusal = 0;
      missed = true;
      doubt();
    }
  };
  const again = async () => {
    await look();
    setTimeout(again, period());
  };
  setTimeout(again, period());
  setInterval(() => {
    age();
    if (missed) doubt();
  }, 1000);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) look();
  });
})();

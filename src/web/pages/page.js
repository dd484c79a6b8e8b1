// Shows the page again every ten seconds while somebody looks at it, every
// three while it waits for something (data-soon). Without
// this script the page works as well: it is read once.
(() => {
  const main = document.querySelector("main");
  if (!main) return;
  const look = async () => {
    const focused = document.activeElement;
    const busy = focused && ["INPUT", "SELECT", "BUTTON"].includes(focused.tagName);
    if (document.hidden || busy || String(getSelection())) return;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("main");
      if (!fresh) return;
      // A link that has the focus keeps it.
      const href = main.contains(focused) ? focused.getAttribute("href") : null;
      main.replaceChildren(...fresh.childNodes);
      if (href) main.querySelector(`a[href="${CSS.escape(href)}"]`)?.focus({ preventScroll: true });
    } catch {
      // The exporter is away; the next turn may find it again.
    }
  };
  const again = async () => {
    await look();
    wait();
  };
  const wait = () => setTimeout(again, main.querySelector("[data-soon]") ? 3000 : 10000);
  wait();
})();

// Measures how this page view loads and tells it once, when the page is hidden for the first time. Nothing is stored in the
// browser, no cookie is sent, and nothing is measured for those who ask not to be: Global Privacy Control, Do Not Track.
((vitals, sample) => {
  "use strict";
  const refuses = navigator.globalPrivacyControl || navigator.doNotTrack === "1";
  const source = document.currentScript && document.currentScript.src;
  if (refuses || navigator.webdriver || !source || !(Math.random() < sample)) return;

  const pointer = (kind) => matchMedia(`(pointer: ${kind})`).matches;
  let device = "other"; // a television, for example
  if (pointer("fine")) device = "desktop";
  else if (pointer("coarse")) device = Math.min(screen.width, screen.height) < 600 ? "mobile" : "tablet";

  const values = {};
  const note = (name, digits) => (metric) => {
    // A page that comes back from the browser's own cache was not loaded.
    if (metric.navigationType !== "back-forward-cache") values[name] = Number(metric.value.toFixed(digits));
  };
  const every = { reportAllChanges: true }; // so that what is known is there whenever the page goes
  vitals.onTTFB(note("ttfb", 0), every);
  vitals.onFCP(note("fcp", 0), every);
  vitals.onLCP(note("lcp", 0), every);
  vitals.onINP(note("inp", 0), every);
  vitals.onCLS(note("cls", 4), every);

  const url = new URL("vitals", source).href;
  const path = location.pathname.slice(0, 512);
  let sent = false;
  const send = () => {
    if (sent || Object.keys(values).length === 0) return;
    sent = true;
    const body = JSON.stringify({ v: 1, path, device, rate: sample, values });
    if ("keepalive" in Request.prototype) {
      // Like sendBeacon, but without cookies. With the policies of some pages the Fetch standard hides the origin as well.
      fetch(url, { method: "POST", body, keepalive: true, mode: "no-cors", credentials: "omit", referrerPolicy: "strict-origin" })
        .catch(() => {});
    } else {
      navigator.sendBeacon(url, body);
    }
  };
  // On the window, behind the library's own listeners, which complete their values. Not on pagehide: where a page is left,
  // that comes first.
  addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") send();
  });
})

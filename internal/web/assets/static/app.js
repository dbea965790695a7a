// Keeps the page up to date and prints times in the reader's zone. Every page is complete without this file.
"use strict";
(() => {
  const body = document.body;
  const stale = document.getElementById("stale");
  const opened = new Date();
  let fetched = opened; // when what is shown was fetched
  let lost = false;
  let busy = false;

  // Times.
  const two = { hour: "2-digit", minute: "2-digit" };
  const day = (t) => new Date(t.getFullYear(), t.getMonth(), t.getDate()).getTime();
  const say = (t, as) => {
    const now = new Date();
    const days = Math.round((day(now) - day(t)) / 864e5);
    switch (as) {
      case "hm": return t.toLocaleTimeString([], two);
      case "clock": return t.toLocaleTimeString([], { ...two, second: "2-digit" });
      case "day": return t.toLocaleDateString([], { day: "numeric", month: "short" });
      case "weekday": return t.toLocaleDateString([], { weekday: "short", day: "numeric" });
      case "zoned": return t.toLocaleString([], { dateStyle: "medium", timeStyle: "long" });
    }
    if (days === 0) return t.toLocaleTimeString([], two);
    if (days > 0 && days < 7) return t.toLocaleString([], { weekday: "short", ...two });
    return t.toLocaleString([], { day: "numeric", month: "short", ...two });
  };
  const localTimes = (root) => {
    for (const e of root.querySelectorAll("time[datetime], [data-time]")) {
      const t = new Date(e.getAttribute("datetime") || e.dataset.time);
      if (!isNaN(t)) e.textContent = say(t, e.dataset.as);
    }
  };

  // The marks of days stand at the agent's midnights; they move to the reader's.
  const localDays = (root) => {
    for (const axis of root.querySelectorAll("svg.axis")) {
      const from = Date.parse(axis.dataset.from), until = Date.parse(axis.dataset.until);
      for (const text of axis.querySelectorAll('[data-as="day"], [data-as="weekday"]')) {
        const t = new Date(Date.parse(text.dataset.time) + 432e5);
        const at = day(t);
        const x = (100 * (at - from)) / (until - from);
        if (x < 0 || x > 100) { text.parentNode.remove(); continue; }
        text.dataset.time = new Date(at).toISOString();
        text.setAttribute("x", x + "%");
        for (const end of ["x1", "x2"]) text.previousElementSibling.setAttribute(end, x + "%");
      }
    }
  };

  // What screen readers are told beside what they read.
  const voice = document.createElement("p");
  voice.className = "hidden";
  voice.setAttribute("role", "status");
  body.append(voice);
  const speak = (text) => { voice.textContent = text; };

  // Copying.
  const copyButtons = (root) => {
    if (!navigator.clipboard) return;
    for (const pre of root.querySelectorAll("pre[data-copy]")) {
      if (pre.querySelector(".copy")) continue;
      const name = `Copy: ${pre.dataset.copy}`;
      const text = pre.textContent;
      const button = document.createElement("button");
      button.className = "copy";
      button.type = "button";
      button.textContent = "Copy";
      button.setAttribute("aria-label", name);
      button.dataset.live = "";
      button.addEventListener("click", () => navigator.clipboard.writeText(text).then(() => {
        button.textContent = "Copied";
        speak(`Copied: ${pre.dataset.copy}`);
        setTimeout(() => { button.textContent = "Copy"; }, 2000);
      }));
      pre.append(button);
    }
  };

  // Makes an element like another one and touches only what differs, so that focus, scrolling, selections, open details
  // and charts stay. What scripts have added is marked data-live and left alone.
  const own = (node) => node.nodeType === 1 && node.dataset.live !== undefined;
  const morph = (to, from) => {
    if (to.isEqualNode(from)) return;
    for (const name of to.getAttributeNames()) {
      if (!from.hasAttribute(name) && !(name === "open" && to.tagName === "DETAILS") && !name.startsWith("data-live")) to.removeAttribute(name);
    }
    for (const name of from.getAttributeNames()) {
      if (name === "open" && to.tagName === "DETAILS") continue;
      if (to.getAttribute(name) !== from.getAttribute(name)) to.setAttribute(name, from.getAttribute(name));
    }
    if (to.tagName === "SELECT" && to === document.activeElement) return;
    let have = [...to.childNodes].filter((n) => !own(n));
    for (const next of [...from.childNodes]) {
      let match = have[0];
      if (next.id && match && match.id !== next.id) {
        match = have.find((n) => n.id === next.id);
        if (match) to.insertBefore(match, have[0]);
      }
      if (match && match.nodeType === next.nodeType && match.nodeName === next.nodeName && (match.id || "") === (next.id || "")) {
        have = have.filter((n) => n !== match);
        if (next.nodeType === 1) morph(match, next);
        else if (match.nodeValue !== next.nodeValue) match.nodeValue = next.nodeValue;
      } else {
        to.insertBefore(document.importNode(next, true), have[0] || [...to.childNodes].find(own) || null);
      }
    }
    for (const n of have) n.remove();
  };

  const show = (text) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    const next = page.getElementById("main");
    const main = document.getElementById("main");
    if (!next || next.dataset.version !== main.dataset.version) return location.reload();
    localDays(page);
    localTimes(page);
    morph(main, next);
    for (const part of ["header.top", "footer"]) {
      const to = document.querySelector(part), from = page.querySelector(part);
      if (to && from) morph(to, from);
    }
    document.title = page.title;
    copyButtons(main);
    document.dispatchEvent(new Event("shown"));
    tick();
  };

  // Asks for the page again.
  const again = async () => {
    if (busy || document.hidden) return;
    const selection = getSelection();
    if (selection && !selection.isCollapsed) return; // somebody is copying
    busy = true;
    try {
      const answer = await fetch(location.href, { signal: AbortSignal.timeout(20000), headers: { Accept: "text/html", "Channelwatch-For": body.dataset.for || "" } });
      if (!answer.ok) throw new Error(answer.status);
      const text = await answer.text();
      fetched = new Date();
      found();
      show(text);
    } catch {
      lose();
    } finally {
      busy = false;
    }
  };

  // Being connected, and not.
  const lose = () => {
    if (lost) return; // said already
    lost = true;
    body.classList.add("stale");
    stale.hidden = false;
    stale.textContent = `Connection lost: what you see is from ${say(fetched, "clock")} and may be out of date.`;
  };
  const found = () => {
    if (!lost) return;
    lost = false;
    body.classList.remove("stale");
    stale.hidden = true;
    stale.textContent = "";
  };

  let stream = null;
  const listen = () => {
    if (stream || !body.dataset.events || document.hidden) return;
    let silent = 0;
    const patience = (milliseconds) => {
      clearTimeout(silent);
      silent = setTimeout(lose, milliseconds);
    };
    const heard = () => patience(45000);
    let trying = false; // again, after the connection broke
    heard();
    stream = new EventSource(body.dataset.events);
    stream.addEventListener("hello", () => { trying = false; heard(); if (lost) again(); });
    stream.addEventListener("update", () => { heard(); again(); });
    stream.addEventListener("beat", heard);
    stream.addEventListener("error", () => {
      if (stream && stream.readyState === EventSource.CLOSED) { // the agent refused: it has enough listeners
        clearTimeout(silent);
        stream = null;
        again(); // says so if the agent is gone
        setTimeout(listen, 30000);
      } else if (!trying) {
        trying = true;
        patience(8000); // the browser connects again after 5 s
      }
    });
    stream.stop = () => { clearTimeout(silent); stream.close(); stream = null; };
  };

  // A page that nobody sees asks for nothing; it catches up when it is seen again.
  document.addEventListener("visibilitychange", () => {
    if (body.dataset.live === "off") return;
    if (document.hidden) {
      if (stream) stream.stop();
    } else {
      listen();
      again();
    }
  });

  // An extra probe takes a while.
  const probing = (button, on) => {
    button.disabled = on;
    button.textContent = on ? "Probing…" : "Probe now";
    if (on) button.setAttribute("aria-busy", "true");
    else button.removeAttribute("aria-busy");
  };
  document.addEventListener("submit", (event) => {
    const button = event.target.matches("form.probe") && event.target.querySelector("button");
    if (!button) return;
    busy = true; // nothing may change under it
    probing(button, true);
    speak("Probing…");
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    busy = false; // the reader came back
    for (const button of document.querySelectorAll("form.probe button")) probing(button, false);
  });

  // Clocks.
  const tick = () => {
    for (const e of document.querySelectorAll("[data-clock] time")) e.textContent = say(new Date(), "clock");
  };

  localDays(document);
  localTimes(document);
  copyButtons(document);
  if (document.querySelector("[data-clock]")) {
    tick();
    setInterval(tick, 1000);
  }
  if (body.dataset.live === "events") listen();
  if (body.dataset.live === "poll") setInterval(again, 15000);
  if (body.dataset.live === "events") setInterval(() => { if (!stream || lost) again(); }, 15000);
})();

// Runs in a world of its own in every document, before the page's scripts: what a page overrides does not reach it. It
// only gathers; package pageload computes. The algorithms are those of the npm package web-vitals.
(() => {
  'use strict';
  if (self !== self.top || Object.hasOwn(globalThis, 'channelwatchVitals')) return;

  const most = 5000; // entries of a type that are kept
  const named = 500; // layout shifts that are given a name: finding one costs the page time
  const resources = [];
  const shifts = [];
  const tasks = [];
  const scripts = [];
  const interactions = new Map();
  let largest = null;

  const get = (type, name, object) => Reflect.get(type.prototype, name, object); // whatever a form field is called

  const describe = (node) => {
    const parts = [];
    for (let level = 0; node && level < 3; node = get(Node, 'parentNode', node)) {
      if (!(node instanceof Element)) continue;
      const name = get(Element, 'localName', node);
      if (parts.length && (name === 'body' || name === 'html')) break;
      const id = Element.prototype.getAttribute.call(node, 'id');
      if (id) {
        parts.unshift(`${name}#${id}`);
        break;
      }
      const classes = (Element.prototype.getAttribute.call(node, 'class') ?? '').trim().split(/\s+/).filter(Boolean);
      parts.unshift([name, ...classes.slice(0, 3)].join('.'));
      level++;
    }
    return parts.join(' > ').slice(0, 200);
  };

  const moved = ({previousRect: a, currentRect: b}) => Math.hypot(a.x - b.x, a.y - b.y);
  const furthest = (sources) =>
    sources.filter((s) => s.node).reduce((best, s) => (best && moved(best) >= moved(s) ? best : s), null)?.node;

  const watch = (type, take, options) => {
    if (!PerformanceObserver.supportedEntryTypes.includes(type)) return () => {};
    const takeEach = (entries) => {
      for (const entry of entries) take(entry);
    };
    const observer = new PerformanceObserver((list) => takeEach(list.getEntries()));
    observer.observe({type, buffered: true, ...options});
    return () => takeEach(observer.takeRecords());
  };
  const push = (list, value) => {
    if (list.length < most) list.push(value);
  };
  const interaction = (e) => {
    if (!e.interactionId) return;
    if (interactions.size >= most && !interactions.has(e.interactionId)) return;
    interactions.set(e.interactionId, Math.max(e.duration, interactions.get(e.interactionId) ?? 0));
  };

  const flush = [
    watch('resource', (e) => {
      resources.push({name: e.name, start: e.requestStart || e.startTime, end: e.responseEnd});
      if (resources.length > most) resources.shift();
    }),
    watch('largest-contentful-paint', (e) => {
      largest = {at: e.startTime, url: e.url, selector: e.element ? describe(e.element) : e.id ? `#${e.id}` : ''};
    }),
    watch('layout-shift', (e) => {
      if (e.hadRecentInput) return;
      const selector = shifts.length < named ? describe(furthest(e.sources)) : '';
      push(shifts, {at: e.startTime, value: e.value, selector});
    }),
    watch('longtask', (e) => push(tasks, {at: e.startTime, duration: e.duration})),
    watch('long-animation-frame', (e) => {
      for (const s of e.scripts) {
        if (s.duration > 50) push(scripts, {at: s.startTime, duration: s.duration, url: s.sourceURL.slice(0, 4096)});
      }
    }),
    watch('event', interaction, {durationThreshold: 40}),
    watch('first-input', interaction),
  ];

  // Entries of a frame are handed out some time after it was presented. A page that is not drawn has no frames.
  const presented = () =>
    new Promise((done) => {
      requestAnimationFrame(() => setTimeout(done, 25, true));
      setTimeout(done, 250, false);
    });
  const painted = () => performance.getEntriesByName('first-contentful-paint', 'paint')[0]?.startTime;
  const due = () => painted() === undefined || (performance.interactionCount > 0 && !interactions.size);

  const read = async () => {
    for (let patience = 15; patience > 0; patience--) {
      const drawn = await presented();
      for (const take of flush) take();
      if (!drawn || !due()) break;
    }
    const navigation = performance.getEntriesByType('navigation')[0];
    const hidden = performance.getEntriesByType('visibility-state').find((e) => e.name === 'hidden');
    const resource = largest?.url
      ? resources.findLast((r) => r.name === largest.url && r.start <= largest.at)
      : undefined;
    return {
      now: performance.now(),
      hidden: hidden?.startTime,
      ttfb: navigation?.responseStart,
      ready: navigation?.domContentLoadedEventEnd,
      loaded: navigation?.loadEventEnd,
      fcp: painted(),
      largest,
      resource,
      shifts,
      tasks,
      scripts,
      latencies: [...interactions.values()].sort((a, b) => b - a).slice(0, 10),
      interactions: performance.interactionCount,
    };
  };

  Object.defineProperty(globalThis, 'channelwatchVitals', {value: {read}});
})();

// Runs beside vitals.js, in the same world: what package pageload reads of a page and where it clicks. Members of the
// document are taken from their prototypes, because names of a page's elements hide them.
(() => {
  'use strict';
  if (self !== self.top || Object.hasOwn(globalThis, 'channelwatchHands')) return;

  const get = (type, name, object) => Reflect.get(type.prototype, name, object);
  const find = (selector) => Document.prototype.querySelector.call(document, selector);
  const count = (selector) => Document.prototype.querySelectorAll.call(document, selector).length;
  const shown = (element) => (element instanceof HTMLElement ? get(HTMLElement, 'innerText', element) : '');

  const text = (limit) => {
    const body = get(Document, 'body', document);
    const root = get(Document, 'documentElement', document);
    return (body ? shown(body) : root ? (get(Node, 'textContent', root) ?? '') : '').slice(0, limit);
  };

  const content = (limit) => ({
    title: title(),
    heading: shown(find('h1')).slice(0, 1000),
    links: count('a[href]'),
    pictures: count('img'),
    nodes: count('*'),
    text: text(limit),
  });

  const name = (element) => {
    const id = Element.prototype.getAttribute.call(element, 'id');
    return (get(Element, 'localName', element) + (id ? `#${id}` : '')).slice(0, 100);
  };

  // locate says whether a customer could click an element, and where.
  const locate = (selector, scroll) => {
    const element = find(selector);
    if (!element) return {state: 'absent'};
    if (!Element.prototype.checkVisibility.call(element, {visibilityProperty: true})) return {state: 'hidden'};
    if (scroll) Element.prototype.scrollIntoView.call(element, {block: 'center', inline: 'center', behavior: 'instant'});
    const box = [...Element.prototype.getClientRects.call(element)].find((r) => r.width > 0 && r.height > 0);
    if (!box) return {state: 'hidden'};
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const hit = Document.prototype.elementFromPoint.call(document, x, y);
    if (!hit || !Node.prototype.contains.call(element, hit)) return {state: 'covered', by: hit ? name(hit) : '', x, y};
    return {state: 'ready', x, y};
  };

  // focus prepares an element for typing: what is in it is replaced.
  const focus = (selector) => {
    const element = find(selector);
    if (!(element instanceof HTMLElement)) return false;
    HTMLElement.prototype.focus.call(element);
    if (get(Document, 'activeElement', document) !== element) return false;
    if (element instanceof HTMLInputElement) HTMLInputElement.prototype.select.call(element);
    else if (element instanceof HTMLTextAreaElement) HTMLTextAreaElement.prototype.select.call(element);
    else return get(HTMLElement, 'isContentEditable', element);
    return !element.disabled && !element.readOnly;
  };

  const title = () => get(Document, 'title', document).slice(0, 1000);
  const has = (selector) => find(selector) !== null;
  Object.defineProperty(globalThis, 'channelwatchHands', {value: {content, text, title, locate, focus, has}});
})();

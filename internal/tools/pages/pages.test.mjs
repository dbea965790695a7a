// The pages of a real agent in a real browser: nothing is refused by our own policy, nothing leaves the machine, no rule of
// WCAG 2.2 A and AA that axe-core knows is broken, and the pages say the same with and without JavaScript.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {after, before, describe, test} from 'node:test';
import {startBrowser, startDemo, until} from './demo.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const devices = [
  {name: 'desktop', viewport: {width: 1280, height: 900}},
  {name: 'phone', viewport: {width: 390, height: 844}, isMobile: true, hasTouch: true},
];
const pages = [
  '/', '/?range=1h', '/?range=7d', '/?range=28d', '/?for=it', '/?for=marketing',
  '/channels/mobile-web', '/channels/mobile-web?for=it&range=1h', '/touchpoints/mobile-web/home', '/touchpoints/push/offers?for=it',
  '/channels/push', '/touchpoints/push/order-updates?range=24h',
  '/touchpoints/desktop-web/autumn', '/touchpoints/mobile-web/autumn?for=it',
  '/incidents', '/incidents?range=7d&channel=mobile-app', '/wall',
];

let demo, browser;
before(async () => {
  demo = await startDemo('--every', '2s');
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

// open opens a page and returns it with everything that went wrong on it.
async function open(path, options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const wrong = [];
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) wrong.push(`console: ${message.text()}`); });
  page.on('pageerror', (error) => wrong.push(`exception: ${error.message}`));
  page.on('request', (request) => { if (!request.url().startsWith(demo.url) && !request.url().startsWith('data:')) wrong.push(`request to ${request.url()}`); });
  page.on('response', (response) => { if (response.status() >= 400) wrong.push(`${response.status()} of ${response.url()}`); });
  const response = await page.goto(demo.url + path, {waitUntil: 'load'});
  assert.equal(response.status(), 200, path);
  return {page, wrong, close: () => context.close()};
}

for (const device of devices) {
  for (const colorScheme of ['light', 'dark']) {
    describe(`${device.name}, ${colorScheme}`, {concurrency: 2}, () => {
      for (const path of pages) {
        test(path, async () => {
          const {page, wrong, close} = await open(path, {...device, colorScheme});
          await page.waitForTimeout(300); // scripts that draw
          assert.ok(await page.title(), 'no title');
          // Our policy refuses scripts of others, so axe-core comes in beside it.
          await page.evaluate(axe);
          const {violations} = await page.evaluate((tags) => globalThis.axe.run({runOnly: tags}), rules);
          const told = violations.map((v) => `${v.id} (${v.help}): ${v.nodes.map((n) => n.target.join(' ')).slice(0, 5).join(', ')}`);
          assert.deepEqual(told, []);
          const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
          assert.ok(beyond <= 0, `the page is ${beyond} px wider than the screen`);
          assert.deepEqual(wrong, []);
          await close();
        });
      }
    });
  }
}

// values returns every machine-readable number of a page: the switch of readers must change none of them.
const values = (page) => page.$$eval('data[value]', (all) => all.map((d) => d.value));

test('the switch of readers changes sentences and no number', async () => {
  // Rules may run between the two, which explains a difference once, but not again and again.
  await until('the same numbers for both', async () => {
    const {page, close} = await open('/?for=marketing');
    const [marketing, words] = [await values(page), await page.innerText('main')];
    await page.goto(`${demo.url}/?for=it`);
    const [it, otherWords] = [await values(page), await page.innerText('main')];
    await close();
    const {channels} = await (await fetch(`${demo.url}/api/v1/channels`)).json();
    for (const {name, now, day, month} of channels) {
      for (const score of [now, day, month]) {
        if (score && !marketing.includes(String(score.score))) return `the score ${score.score} of ${name} is not on the page: ${marketing}`;
      }
    }
    assert.notEqual(otherWords, words, 'both read the same sentences');
    // Whoever reads for IT goes deeper: every number that marketing reads is there, and more.
    const left = it.slice();
    for (const value of marketing) {
      if (!left.includes(value)) return `marketing reads ${value}, IT does not: ${it}`;
      left.splice(left.indexOf(value), 1);
    }
    return '';
  }, 60_000);
});

// shown is the time that the page names as that of its data.
const shown = (page) => page.getAttribute('header time', 'datetime');

test('the choice of reader is remembered', async () => {
  const {page, close} = await open('/');
  await page.getByRole('link', {name: 'IT', exact: true}).click();
  await page.goto(`${demo.url}/`);
  const chosen = await page.locator('[aria-current="true"], [aria-current="page"], [aria-pressed="true"]').allInnerTexts();
  assert.ok(chosen.some((text) => text.trim() === 'IT'), `chosen: ${chosen}`);
  await close();
});

test('everything can be read without JavaScript', async () => {
  for (const path of pages) {
    const {page, wrong, close} = await open(path, {javaScriptEnabled: false});
    const text = await page.innerText('main');
    assert.match(text, /Excellent|Good|Fair|Poor|Unknown|No incident/i, path);
    assert.deepEqual(wrong, [], path);
    await close();
  }
});

test('a page follows the agent without a reload', async () => {
  const {page, wrong, close} = await open('/');
  await page.evaluate(() => { globalThis.sameDocument = true; });
  const before = await shown(page);
  assert.ok(before, 'the page does not say of when it is');
  await until('newer data on the page', async () => (await shown(page)) === before ? `still of ${before}` : '', 90_000);
  assert.equal(await page.evaluate(() => globalThis.sameDocument), true, 'the page was loaded anew');
  assert.deepEqual(wrong, []);
  await close();
});

test('the keyboard reaches the content first and every link after it', async () => {
  const {page, close} = await open('/');
  await page.keyboard.press('Tab');
  const first = await page.evaluate(() => document.activeElement.getAttribute('href'));
  assert.match(first ?? '', /^#/, 'the first stop is no way past the navigation');
  const links = new Set();
  for (let i = 0; i < 200; i++) {
    await page.keyboard.press('Tab');
    const href = await page.evaluate(() => document.activeElement?.getAttribute?.('href'));
    if (href && links.has(href) && links.size > 10) break;
    if (href) links.add(href);
  }
  for (const channel of ['desktop-web', 'mobile-web', 'mobile-app', 'push']) {
    assert.ok([...links].some((l) => l.includes(`channels/${channel}`)), `no stop at ${channel}: ${[...links]}`);
  }
  await close();
});

test('a touchpoint can be probed now, and it says that it does not count', async () => {
  const {page, wrong, close} = await open('/touchpoints/mobile-app/catalogue');
  await Promise.all([page.waitForURL(/.*/), page.getByRole('button', {name: /probe now/i}).click()]);
  await until('the result', async () => (await page.innerText('main')).match(/not counted/i) ? '' : 'nothing is said', 60_000);
  assert.deepEqual(wrong, []);
  await close();
});

test('messages are told of with and without JavaScript', async () => {
  await until('messages of a day', async () => {
    const {messages} = await (await fetch(`${demo.url}/api/v1/touchpoints/push/order-updates`)).json();
    return messages?.ended?.length && messages.provider_answers?.length && messages.delivery_seconds_p95 ? '' : JSON.stringify(messages);
  }, 400_000);
  for (const javaScriptEnabled of [true, false]) {
    for (const reader of ['marketing', 'it']) {
      const {page, wrong, close} = await open(`/touchpoints/push/order-updates?for=${reader}`, {javaScriptEnabled});
      const panel = page.locator('section.messages');
      assert.match(await panel.innerText(), /The last message arrived (just now|[^.]+ ago)\./);
      const cards = await panel.locator('.vitals b').allInnerTexts();
      assert.deepEqual(cards, ['Time to arrive', 'On time', 'Lost']);
      const [ratings, words] = await panel.evaluate((e) => [[...e.querySelectorAll('.vitals .rating')].map((r) => r.innerText), e.innerText]); // at one moment
      if (/too few to say much|not rated/.test(words)) { // fewer than 20 have arrived when it is looked at
        assert.deepEqual(ratings, []);
      } else {
        assert.equal(ratings.length, 1);
        assert.match(ratings[0], /^(Excellent|Good|Fair|Poor)$/);
      }
      const rows = await panel.locator('table tbody th').allInnerTexts();
      assert.ok(rows.includes('arrived on time') && rows.includes('accepted'), `rows: ${rows}`);
      assert.equal(await page.locator('figure#delivery').count(), 1, 'no chart of how long messages take');
      assert.deepEqual(wrong, []);
      await close();
    }
  }
});

// visited waits for a load of the landing page by a browser that counts, and returns it.
async function visited(channel) {
  let visit;
  await until(`a visit to the landing page of ${channel}`, async () => {
    const {results} = await (await fetch(`${demo.url}/api/v1/touchpoints/${channel}/autumn/results`)).json();
    const [last] = results;
    visit = last?.evidence?.visits?.find((v) => v.published && v.screenshot?.id);
    return visit && last.rating !== 'unknown' ? '' : `the last result: ${last?.rating} ${last?.error ?? ''}`;
  }, 400_000);
  return visit;
}

test('a page in a browser shows what customers see', async () => {
  for (const javaScriptEnabled of [true, false]) {
    const visit = await visited('desktop-web');
    const {page, wrong, close} = await open('/touchpoints/desktop-web/autumn?for=it', {javaScriptEnabled});
    const panel = page.locator('section.latest');
    assert.match(await panel.innerText(), /Main content shown/);
    const words = await panel.locator('.vitals .rating').allInnerTexts();
    assert.ok(words.length >= 4 && words.every((word) => /^(Excellent|Good|Fair|Poor)$/.test(word)), `bands: ${words}`);
    const requests = await page.locator('table.bars').first().locator('tbody tr').count();
    assert.ok(requests >= Math.min(visit.requests.length, 3), `${requests} requests are shown, ${visit.requests.length} were sent`);
    if (javaScriptEnabled) {
      await panel.locator('.shot img').scrollIntoViewIfNeeded();
      await until('the screenshot', async () => (await panel.locator('.shot img').evaluate((img) => img.naturalWidth)) > 0 ? '' : 'it is not loaded', 60_000);
      // The details of a request can be read with the keyboard alone.
      const request = page.locator('table.bars').first().locator('summary').first();
      await request.focus();
      await page.keyboard.press('Enter');
      assert.match(await page.locator('table.bars').first().locator('dl.request').first().innerText(), /GET http/);
    }
    assert.deepEqual(wrong, []);
    await close();
  }
});

test('a word is never broken', async () => {
  await visited('desktop-web');
  for (const width of [390, 700, 1000, 1280, 1350, 1600]) {
    const {page, close} = await open('/touchpoints/desktop-web/autumn?for=it', {viewport: {width, height: 900}});
    // The box of a chip or a number is as high as its line, however narrow its card is.
    const broken = await page.$$eval('.rating, .figure span', (all) => all
      .filter((e) => e.getClientRects().length > 0 && e.clientHeight > 1.9 * parseFloat(getComputedStyle(e).fontSize))
      .map((e) => `${e.innerText} (${e.clientHeight} px)`));
    assert.deepEqual(broken, [], `${width} px wide`);
    const outside = await page.$$eval('.vitals li', (cards) => cards.filter((card) => card.scrollWidth > card.clientWidth).map((card) => card.innerText));
    assert.deepEqual(outside, [], `${width} px wide`);
    await close();
  }
});

test('the same page on two devices stands side by side', async () => {
  await Promise.all([visited('desktop-web'), visited('mobile-web')]);
  const {page, close} = await open('/touchpoints/mobile-web/autumn');
  const columns = await page.locator('section.parity thead th').allInnerTexts();
  assert.equal(columns.length, 2, `columns: ${columns}`);
  const facts = await page.locator('section.parity tbody th').allInnerTexts();
  for (const fact of ['Main content after', 'Loads', 'Answers with', 'Ends at', 'Heading']) {
    assert.ok(facts.some((text) => text.startsWith(fact)), `${fact} is not among ${facts}`);
  }
  await close();
});

test('a whole page weighs at most 150 KB', async () => {
  for (const path of ['/', '/channels/mobile-web', '/touchpoints/mobile-web/home']) {
    const context = await browser.newContext();
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    await session.send('Network.enable');
    let bytes = 0;
    session.on('Network.loadingFinished', (event) => { bytes += event.encodedDataLength; });
    await page.goto(demo.url + path, {waitUntil: 'load'});
    await page.waitForTimeout(1000);
    assert.ok(bytes > 0 && bytes <= 150 * 1024, `${path}: ${bytes} bytes`);
    await context.close();
  }
});

test('a badge is a picture with words', async () => {
  const {page, close} = await open('/');
  const drawn = await page.evaluate(async () => {
    const image = new Image();
    image.src = '/badge/mobile-web.svg';
    await image.decode();
    return image.naturalWidth;
  });
  assert.ok(drawn > 40, `the badge is ${drawn} px wide`);
  await close();
});

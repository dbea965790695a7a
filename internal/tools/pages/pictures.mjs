// Takes the pictures of the README from the demo, once its faults have left something to see: node pictures.mjs [minutes]
import {mkdir} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {startBrowser, startDemo} from './demo.mjs';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'docs', 'reference', 'pages');
const minutes = Number(process.argv[2] ?? 16); // a whole round of the script
const desktop = {width: 1280, height: 960};
const pictures = [
  {name: 'channels', path: '/', viewport: desktop, colorScheme: 'light'},
  {name: 'channel', path: '/channels/mobile-app', viewport: desktop, colorScheme: 'light', fullPage: true},
  {name: 'touchpoint', path: '/touchpoints/mobile-web/product?for=it', viewport: desktop, colorScheme: 'light'},
  {name: 'landing', path: '/touchpoints/mobile-web/autumn', viewport: {width: 1280, height: 1500}, colorScheme: 'light'},
  {name: 'phone', path: '/', viewport: {width: 390, height: 844}, colorScheme: 'light', deviceScaleFactor: 2},
  {name: 'wall', path: '/wall', viewport: {width: 1920, height: 1080}, colorScheme: 'dark'},
];

await mkdir(folder, {recursive: true});
const demo = await startDemo();
const browser = await startBrowser();
try {
  await new Promise((resolve) => setTimeout(resolve, minutes * 60_000));
  for (const {name, path, fullPage = false, ...options} of pictures) {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    await page.goto(demo.url + path, {waitUntil: 'load'});
    await page.waitForTimeout(1000); // charts
    await page.screenshot({path: join(folder, `${name}.png`), fullPage});
    await context.close();
  }
} finally {
  await browser.close();
  await demo.stop();
}

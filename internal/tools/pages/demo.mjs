// Starts the demo of the built agent and a browser, for the tests of the pages and for the pictures in the README.
import {spawn} from 'node:child_process';
import {createInterface} from 'node:readline';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {chromium} from 'playwright-core';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

// startDemo returns the address of a demo that has scores already, and what ends it. CHANNELWATCH_URL names one that runs.
export async function startDemo(...args) {
  if (process.env.CHANNELWATCH_URL) return {url: process.env.CHANNELWATCH_URL, stop: async () => {}};
  const child = spawn(join(root, 'bin', 'channelwatch'), ['demo', '--listen', '127.0.0.1:0', ...args], {stdio: ['ignore', 'pipe', 'pipe']});
  let log = '';
  child.stderr.on('data', (text) => { log = (log + text).slice(-2048); });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const url = await Promise.race([
    new Promise((resolve) => {
      createInterface({input: child.stdout}).on('line', (line) => {
        const found = line.match(/http:\/\/[^/]+/);
        if (found) resolve(found[0]);
      });
    }),
    ended.then((code) => { throw new Error(`the demo ended with ${code}; build it with make build. Its log:\n${log}`); }),
  ]);
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  try {
    await until('scores of all channels', async () => {
      const answer = await fetch(`${url}/api/v1/channels`);
      if (!answer.ok) return `status ${answer.status}`;
      const {channels} = await answer.json();
      const missing = channels.filter((c) => !c.now);
      return channels.length && !missing.length ? '' : `${missing.map((c) => c.name)} of ${channels.length} have none`;
    });
  } catch (error) {
    await stop();
    throw new Error(`${error.message}\n${log}`);
  }
  return {url, stop};
}

// until waits for a check to return an empty text, which otherwise says what is missing.
export async function until(what, check, patience = 180_000) {
  const deadline = Date.now() + patience;
  for (;;) {
    const missing = await check();
    if (!missing) return;
    if (Date.now() > deadline) throw new Error(`waited ${patience / 1000} s for ${what}: ${missing}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

// startBrowser starts the system's Chromium, which must not reach anything but this machine.
export function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    chromiumSandbox: process.getuid() !== 0, // Chromium refuses its sandbox to root
    args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

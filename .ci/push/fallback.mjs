// What is on the way, and which technique PushSocket finds behind it, by itself and with its defaults: a table, which is the one of
// README.md, section "Transports", or the suite fails. Messages have to go both ways by what was found.
// usage: CHROMIUM=PATH FIREFOX=PATH node fallback.mjs URL
import { readFileSync } from 'node:fs';
import { NAMES, assert, check, finish, launch } from '../browsers/harness.mjs';
import { openLanes } from './lanes.mjs';
import { meddler } from './proxy.mjs';

const [url] = process.argv.slice(2);
const README = new URL('../../README.md', import.meta.url);
const LONGEST = 120_000; // milliseconds until one is found
const NEWS = 60; // messages that have to come by it, and echoes
const ECHOES = 20;

const HOLD = 64 << 10; // bytes
const CUT = 3000; // milliseconds
// What the proxy does, in words, and what it is told to do; which technique has to be found.
const WAYS = [
  ['nothing', {}, 'websocket'],
  ['does not know of upgrades, and asks without them', { strip: true }, 'sse'],
  ['answers upgrades with 400', { refuse: 400 }, 'sse'],
  ['answers upgrades with 502', { refuse: 502 }, 'sse'],
  ['passes upgrades, and holds responses back until they end or 64 KiB have come', { hold: HOLD }, 'websocket'],
  ['knows no upgrades, and holds responses back as above', { strip: true, hold: HOLD }, 'long-polling'],
  ['cuts each connection 3 s after its request', { longest: CUT }, 'long-polling'],
  ['knows no upgrades, and answers `text/event-stream` with 403', { strip: true, deny: 'text/event-stream' }, 'xhr-streaming'],
  ['knows no upgrades, and answers POST with 403', { strip: true, deafTo: 'POST' }, 'jsonp'],
];

const found = {}; // by the name of the browser, in the order of WAYS
await check('both browsers start and end', () => Promise.all(NAMES.map(drive)).then(() => ''));
const table = [
  '| what the proxy does | Chromium | Firefox |',
  '| --- | --- | --- |',
  ...WAYS.map(([what], at) => `| ${what} | ${['chromium', 'firefox'].map((name) => found[name]?.[at]).join(' | ')} |`),
];
console.log(`\n${table.join('\n')}\n`);
await check('README.md has this table', () => assert(readFileSync(README, 'utf8').includes(table.join('\n')), 'it has another'));
finish();

async function drive(name) {
  const { browser, end } = await launch(name);
  const proxies = await Promise.all(WAYS.map(([, ways]) => meddler(url, ways)));
  found[name] = [];
  try {
    const { lanes } = await openLanes(browser, proxies.map((proxy) => proxy.url));
    await Promise.all(WAYS.map(([what, , want], at) => check(`${name}: ${what}`, async () => {
      await lanes[at].begin({}, { window: 10, prefix: 'echo:' });
      const { names, faults, since, behind, news, echoes } = await lanes[at].settles(want, NEWS, ECHOES, LONGEST);
      found[name][at] = names.at(-1);
      await lanes[at].end(); // the others can do with what it leaves of the machine's time
      const words = `after ${(since / 1000).toFixed(1)} s by way of ${names.join(', ')}; since then ${news - behind.news} messages, ${echoes - behind.echoes} echoes`;
      assert(faults.length === 0, faults.slice(0, 3).join('; '));
      assert(names.at(-1) === want && news >= behind.news + NEWS && echoes >= behind.echoes + ECHOES, words);
      return words;
    })));
  } finally {
    await end();
    proxies.forEach((proxy) => proxy.end());
  }
}

// The EventSource of both browsers, and that of npm, without a line of ours: behind a connection that was cut each comes back by
// itself, as late as the server said, and goes on behind the last event it had.
// usage: CHROMIUM=PATH FIREFOX=PATH node eventsource.mjs URL
import { NAMES, assert, check, finish, launch, newPage } from '../browsers/harness.mjs';
import { PAGE, cutter } from './proxy.mjs';

const [url] = process.argv.slice(2);
// Of the tests of the client, which pin it.
const { EventSource } = await import(new URL('client/node_modules/eventsource/dist/index.js', import.meta.url)).catch((error) => {
  console.error(`${error.message}\nTo get it: npm ci --prefix .ci/push/client`);
  process.exit(2);
});

const CUTS = ['reset', 'fin', 'reset'];
const EVENTS = 30; // between two of them
const RETRY = 2000; // milliseconds, as the server says
const LATE = 1500; // more, on a busy machine. Without a word of the server Firefox waits 5 s; that of npm 3 s, and so does Chromium

for (const name of NAMES) await check(`${name} starts and ends`, () => inBrowser(name));
await check('npm: comes back by itself, and misses nothing', inNode);
finish();

async function inBrowser(name) {
  const { browser, end } = await launch(name);
  const proxy = await cutter(url);
  try {
    const page = await newPage(browser, { patience: 30_000, viewport: { width: 300, height: 200 }, complain: () => {} });
    await page.goto(proxy.url + PAGE, { waitUntil: 'load' });
    await page.evaluate((address) => {
      self.log = [];
      self.source = new EventSource(address);
      source.onmessage = ({ data, lastEventId }) => log.push([lastEventId, data]);
    }, '/push?as=events');
    await check(`${name}: comes back by itself, and misses nothing`, () => judge(proxy, () => page.evaluate(() => log)));
    await page.evaluate(() => source.close());
  } finally {
    await end();
    proxy.end();
  }
}

async function inNode() {
  const proxy = await cutter(url);
  const log = [];
  const source = new EventSource(`${proxy.url}/push?as=events`);
  source.onmessage = ({ data, lastEventId }) => log.push([lastEventId, data]);
  try {
    return await judge(proxy, async () => log);
  } finally {
    source.close();
    proxy.end();
  }
}

/** `read` gives the events that came: id and data of each. */
async function judge(proxy, read) {
  const pauses = [];
  for (const how of CUTS) {
    await until(read, (await read()).length + EVENTS);
    await proxy.cut(how);
    const cut = Date.now();
    assert(await proxy.isBack(RETRY + LATE * 2), `it did not come back behind the ${how}`);
    const { at, lastEventId, line } = proxy.requests.at(-1);
    assert(line === 'GET /push?as=events HTTP/1.1', line);
    assert((await read()).some(([id]) => id === lastEventId), `Last-Event-ID ${lastEventId} is of no event that it had`);
    pauses.push(at - cut);
  }
  const log = await until(read, EVENTS * (CUTS.length + 1));
  log.forEach(([id, data], at) => {
    if (!at) return;
    const [before, number] = [log[at - 1], (event) => JSON.parse(event[1]).n];
    assert(Number(id) === (Number(before[0]) + 1) >>> 0 && number([id, data]) === number(before) + 1, `${data} behind ${before[1]}`);
  });
  assert(pauses.every((pause) => pause > RETRY - 100 && pause < RETRY + LATE), `it came back after ${pauses.join(', ')} ms`);
  return `${log.length} events, back after ${pauses.join(', ')} ms`;
}

async function until(read, count) {
  const end = Date.now() + 20_000;
  for (;;) {
    const log = await read();
    if (log.length >= count) return log;
    assert(Date.now() < end, `${log.length} of ${count} events`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

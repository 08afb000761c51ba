// The demo's page of the transports: all techniques at once, over a forced reconnect; and what the page says they take on the
// wire, held against what went over it.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { assert, becomes, coloured, painted } from './harness.mjs';

const ENOUGH = 50; // messages
const LONGEST = 60_000; // milliseconds until each lane has had its turn and so many
const NAMES = ['websocket', 'sse', 'xhr-streaming', 'multipart', 'html-streaming', 'long-polling', 'jsonp', 'short-polling', 'chosen'];

/** `open` opens the page at a URL. */
export async function transports(url, open, check, shoot) {
  const wire = await meter(url);
  try {
    const page = await open(`${wire.url}transports`);
    await drive(page, wire, check, shoot);
    await page.close();
  } finally {
    wire.end();
  }
}

async function drive(page, wire, check, shoot) {
  const before = { ...wire.bytes };
  await check(`each technique gets ${ENOUGH} messages, none lost, none twice`, async () => {
    assert(await page.evaluate(() => Object.keys(window.lanes).join()) === NAMES.join(), 'other lanes');
    await page.click('#start');
    return more(page, ENOUGH);
  });
  await check('each takes the technique it is named by, and a WebSocket if it may choose', async () => {
    const isSeen = (names) => {
      window.seen ??= new Map(); // not all at once: it may be another's turn
      for (const { name, transport } of Object.values(window.lanes)) if (transport) window.seen.set(name, transport);
      return window.seen.size === names.length;
    };
    await page.waitForFunction(isSeen, { polling: 50 }, NAMES);
    await becomes(page, () => [...window.seen].filter(([name, transport]) => name !== transport).join(), 'chosen,websocket');
  });
  await check('what a lane sends comes back', async () => {
    await page.waitForFunction(() => Object.values(window.lanes).every(({ trip }) => Number.isFinite(trip)), { polling: 100, timeout: LONGEST });
    return inWords(page, ({ name, trip }) => `${name} ${Math.round(trip)} ms`);
  });
  await check('connections are cut, and lanes go on where they were', async () => {
    await page.click('#cut');
    return more(page, ENOUGH);
  });
  await check('each lane has a plot', async () => {
    for (const name of NAMES) await coloured(page, `[data-lane="${name}"] canvas`, ['--accent', '--other']);
  });
  await page.evaluate(() => scrollTo(0, 0));
  await painted(page);
  await shoot(page, 'transports');
  await check('all stop, and the bytes shown are those on the wire', async () => {
    await page.click('#stop');
    await page.waitForFunction(() => Object.values(window.lanes).every(({ state }) => state === 'stopped'));
    await becomes(page, () => document.getElementById('summary').dataset.ok, 'true');
    const shown = await page.evaluate(() => Object.values(window.lanes).map((lane) => lane.cost())
      .reduce((sum, { up, down }) => ({ up: sum.up + up, down: sum.down + down }), { up: 0, down: 0 }));
    const said = ['up', 'down'].map((way) => {
      const [computed, counted] = [Math.round(shown[way]), wire.bytes[way] - before[way]];
      return { words: `${way}: ${computed} computed, ${counted} counted`, share: computed / counted };
    });
    const words = said.map(({ words }) => words).join('; ');
    assert(said.every(({ share }) => share > 0.9 && share < 1.1), words);
    return words;
  });
}

/** Waits until each lane has `count` messages more; none may be missing, none may have come twice. */
async function more(page, count) {
  const had = await page.evaluate(() => Object.fromEntries(Object.values(window.lanes).map(({ name, received }) => [name, received])));
  const isEnough = (had, count) => Object.values(window.lanes).every(({ name, received }) => received >= had[name] + count);
  await page.waitForFunction(isEnough, { polling: 100, timeout: LONGEST }, had, count).catch(async () => {
    assert(false, await inWords(page, ({ name, received, state }) => `${name} ${received} ${state}`));
  });
  const bad = await page.evaluate(() => Object.values(window.lanes)
    .filter(({ lost, doubled, resets }) => lost + doubled + resets > 0)
    .map(({ name, lost, doubled, resets }) => `${name}: ${lost} lost, ${doubled} doubled, ${resets} resets`));
  assert(bad.length === 0, bad.join('; '));
  return inWords(page, ({ name, received }) => `${name} ${received}`);
}

const inWords = (page, words) => page.evaluate(`Object.values(window.lanes).map(${words}).join(', ')`);

/** Listens on a port of its own for what is meant for `url`, and counts what goes through. */
async function meter(url) {
  const { hostname, port } = new URL(url);
  const bytes = { up: 0, down: 0 };
  const sockets = new Set();
  const listener = createServer((browser) => {
    const server = connect(Number(port), hostname);
    for (const [from, to, way] of [[browser, server, 'up'], [server, browser, 'down']]) {
      sockets.add(from);
      from.on('data', (piece) => (bytes[way] += piece.length));
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    url: `http://127.0.0.1:${listener.address().port}/`,
    bytes,
    end() {
      listener.close();
      sockets.forEach((socket) => socket.destroy());
    },
  };
}

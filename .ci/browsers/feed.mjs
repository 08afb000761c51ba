// The demo's feed, compressed and not: what a tap on the wire saw, held against what the page shows.
import { assert, becomes, coloured, painted } from './harness.mjs';
import { tap } from './tap.mjs';

const FIELD = 'Sec-WebSocket-Extensions';
const SAMPLES = 15;

const textOf = (selector) => document.querySelector(selector)?.textContent ?? null;

/** `open` opens the page at a URL. */
export async function feed(url, open, check, shoot) {
  const wire = await tap(url);
  try {
    await watch(wire, await open(wire.url), check, shoot);
  } finally {
    wire.end();
  }
}

async function watch(wire, page, check, shoot) {
  const compressed = () => latest(wire, 'GET /feed HTTP/1.1');
  await check('offers permessage-deflate for the feed, and gets it', async () => {
    await page.waitForFunction(() => document.getElementById('feed-latest').textContent !== '');
    const { request, response } = compressed();
    const [offered, agreed] = [request.field(FIELD), response.field(FIELD)];
    for (const value of [offered, agreed]) assert(/^permessage-deflate\b/.test(value ?? ''), `${FIELD}: ${value}`);
    await becomes(page, textOf, offered, '#feed-offered');
    await becomes(page, textOf, agreed, '#feed-agreed');
    await becomes(page, textOf, agreed, '#feed-extensions');
    return `“${offered}”, answered with “${agreed}”`;
  });
  await check('the feed takes fewer bytes on the wire than it has payload', async () => {
    const { said, took, frames } = await tallied(page, compressed());
    assert(took.wire < took.payload / 2, said);
    assert(frames.every(({ first }) => first === 0xc1), 'a message without RSV1');
    return said;
  });
  await check('the plot has lines of both', () => coloured(page, '#feed-plot', ['--other', '--accent']));
  await check('without compression, the feed takes more bytes than it has payload', async () => {
    await page.click('#feed-plain');
    await becomes(page, textOf, 'none', '#feed-extensions');
    const plain = latest(wire, 'GET /feed?compression=off HTTP/1.1');
    const { said, took, frames } = await tallied(page, plain);
    await becomes(page, textOf, plain.request.field(FIELD), '#feed-offered');
    await becomes(page, textOf, 'none', '#feed-agreed');
    assert(plain.response.field(FIELD) === null, `${FIELD}: ${plain.response.field(FIELD)}`);
    assert(took.wire >= took.payload, said);
    assert(frames.every(({ first }) => first === 0x81), 'a message with RSV1');
    const payload = frames.reduce((sum, { length }) => sum + length, 0);
    assert(payload === took.payload, `${took.payload} bytes of payload told, ${payload} seen`);
    return said;
  });
  await check('and with it, fewer again', async () => {
    const gone = compressed();
    await page.click('#feed-plain');
    await page.waitForFunction(() => /^permessage-deflate/.test(document.getElementById('feed-extensions').textContent));
    assert(compressed() !== gone, 'the same connection');
    const { said, took } = await tallied(page, compressed());
    assert(took.wire < took.payload / 2, said);
    return said;
  });
  await page.$eval('#feed-plot', (plot) => plot.scrollIntoView({ block: 'center' }));
  await painted(page);
  await shoot(page, 'feed');
  await page.close();
}

/** The connection that asked for this last. */
function latest(wire, line) {
  return wire.connections.filter(({ request }) => request.line === line).at(-1);
}

/** Waits for samples, and holds what the server says of them against the wire, byte for byte; `frames` are those told of. */
async function tallied(page, connection) {
  await page.waitForFunction((least) => {
    const latest = document.getElementById('feed-latest').textContent;
    return latest !== '' && JSON.parse(latest).before.messages >= least;
  }, {}, SAMPLES);
  const [latest, said] = await page.evaluate(() =>
    ['feed-latest', 'feed-ratio'].map((id) => document.getElementById(id).textContent));
  const took = JSON.parse(latest).before;
  assert(said.startsWith(`${took.messages} messages with `), said); // else the page has counted another payload
  const told = connection.frames.list.filter(({ end }) => end <= took.wire);
  assert(told.at(-1)?.end === took.wire, `${took.wire} bytes told, ${told.at(-1)?.end} seen`);
  const frames = told.filter(({ first }) => (first & 0x0f) < 8); // not those of a heartbeat
  assert(frames.length === took.messages, `${took.messages} messages told, ${frames.length} seen`);
  return { said, took, frames };
}

// Opens the page of a board at URL in Chromium and Firefox at once, and uses it as two people would.
// usage: CHROMIUM=PATH FIREFOX=PATH node .ci/boards/browser.mjs URL OUTDIR
// One line per check, then `N passed, N failed`; the exit status is 1 if one failed. Screenshots go to OUTDIR. Each time
// both pages show another LED, a line `LED on TIME` or `LED off TIME` says when, for a caller who watches the pin. Nothing
// here waits for a time: each wait is for a condition. It neither starts the board nor knows which one it is.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { NAMES, assert, becomes, check, finish, launch, newPage, painted } from '../browsers/harness.mjs';

const [url, out] = process.argv.slice(2);
const { CHROMIUM, FIREFOX } = process.env;
if (!url || !out || !CHROMIUM || !FIREFOX) {
  console.error('usage: CHROMIUM=PATH FIREFOX=PATH node browser.mjs URL OUTDIR');
  process.exit(2);
}
mkdirSync(out, { recursive: true });

// Compression is agreed on with whoever says that it can keep to the board's window of 512 bytes. Firefox does not say so.
const COMPRESSION = { chromium: 'permessage-deflate; client_max_window_bits=9', firefox: '' };

// Milliseconds. An emulated board on a busy machine runs slower than a real one.
const PATIENCE = 30_000;

await check('both browsers start and end', run);
finish();

async function run() {
  const begun = [];
  try {
    for (const name of NAMES) begun.push(await begin(name));
    await use(...begun);
  } finally {
    for (const { end } of begun) await end();
  }
}

async function begin(name) {
  const { browser, end } = await launch(name);
  const complaints = [];
  const complain = (text) => complaints.push(`${name}: ${text}`);
  const page = await newPage(browser, { patience: PATIENCE, viewport: { width: 1280, height: 800 }, complain });
  return { name, end, page, complaints };
}

/** What two people do, one with each browser. */
async function use(one, two) {
  const both = [one, two];
  await check(`${one.name}: opens the page`, () => visit(one));
  const alone = await watching(one);
  await check(`${two.name}: opens the page`, () => visit(two));
  await check('both know of each other', async () => {
    for (const { page } of both) await becomes(page, textOf, `${alone + 1}`, 'watching');
    return `${alone + 1} watching`;
  });

  for (const each of both) await check(`${each.name}: the plot moves`, () => plotMoves(each.page));

  // Off before the first click, so that each round has both edges.
  if (await one.page.evaluate(ledOf) === 'true') await check('the LED goes off first', () => toggle(one, two));
  for (const [clicker, watcher] of [[one, two], [two, one]]) {
    for (const way of ['on', 'off']) {
      await check(`${clicker.name}: switches the LED ${way}, seen by ${watcher.name} too`, () => toggle(clicker, watcher));
    }
  }
  await check(`${one.name}: switches the LED by the keyboard`, () => toggle(one, two, () => one.page.keyboard.press('Space')));
  for (const { name, page } of both) {
    await check(`${name}: the page glows while the LED is on`, async () => {
      const glow = await page.$eval('.lamp', (lamp) => getComputedStyle(lamp).boxShadow);
      assert(glow !== 'none', 'it does not');
    });
  }

  for (const { name, page } of both) {
    for (const text of ['long '.repeat(60).trim(), 'Grüß dich, 𝕎 and "quotes"']) {
      await check(`${name}: ${new TextEncoder().encode(text).length} bytes are echoed`, () => echo(page, text));
    }
  }
  await shoot(both);
  for (const { name, page } of both) {
    await check(`${name}: gives the echo's connection back`, () => page.waitForFunction('echo === null', { polling: 50 })
      .then(() => ''));
  }

  for (const { name, page } of both) {
    await check(`${name}: reloads, and is counted once`, async () => {
      await page.reload({ waitUntil: 'load' });
      await becomes(page, textOf, 'Open', 'state');
      await becomes(page, ledOf, 'true');
      for (const each of both) await becomes(each.page, textOf, `${alone + 1}`, 'watching');
      await plotMoves(page);
    });
  }
  await check(`${two.name}: switches the LED off after that`, () => toggle(two, one));
  await check(`${two.name}: goes, and is missed`, async () => {
    await two.page.close();
    await becomes(one.page, textOf, `${alone}`, 'watching');
  });
  await check('no error was logged', async () => {
    const all = both.flatMap(({ complaints }) => complaints);
    // The board has few sockets, and a browser that reloads a page takes up to four for a moment: one that it keeps in
    // store, and one that it is about to give back. A page that finds none tries again, as was seen: it is open.
    const full = all.filter((text) => /WebSocket connection to .* failed: .*(ERR_CONNECTION_RESET|503)/.test(text));
    assert(all.length === full.length && full.length <= both.length, all.join('; '));
    return full.length ? `but ${full.length} of the WebSockets found no socket at first` : '';
  });
}

// --- What is checked more than once ---------------------------------------------------------------------------------

/** Opens the page; it comes compressed, with the policy that it was built for, and hears from the board. */
async function visit({ name, page }) {
  const response = await page.goto(url, { waitUntil: 'load' });
  assert(response.status() === 200, `status ${response.status()}`);
  const headers = response.headers();
  assert(headers['content-encoding'] === 'gzip', `encoding ${headers['content-encoding']}`);
  assert(/script-src 'sha256-/.test(headers['content-security-policy']), 'no policy that names the script');
  await becomes(page, textOf, 'Open', 'state');
  await becomes(page, () => document.getElementById('led').getAttribute('aria-disabled'), 'false');
  const protocol = await page.evaluate('live.protocol');
  assert(protocol === 'live.v1', `subprotocol ${JSON.stringify(protocol)}`);
  const extensions = await page.evaluate('live.extensions');
  assert(extensions === COMPRESSION[name], `extensions ${JSON.stringify(extensions)}`);
  return `up for ${await page.evaluate(textOf, 'uptime')}; ${extensions || 'not compressed'}`;
}

/** More points, another temperature, another picture, and a line in it. */
async function plotMoves(page) {
  const [points, text] = [await page.evaluate(pointsOf), await page.evaluate(textOf, 'temperature')];
  const picture = await page.evaluate(pictureOf);
  await page.waitForFunction((points, text) => Number(document.getElementById('plot').dataset.points) >= points + 4
    && document.getElementById('temperature').textContent !== text, { polling: 50 }, points, text)
    .catch(() => assert(false, 'nothing new came'));
  const shown = await page.evaluate(textOf, 'temperature');
  assert(/^-?\d+\.\d\d$/.test(shown), `temperature ${shown}`);
  const later = await page.evaluate(pictureOf);
  assert(later.line >= 20, `${later.line} pixels in the colour of the line`);
  assert(later.sum !== picture.sum, 'the picture is the same');
  return `${text} to ${shown} °C, ${points} to ${await page.evaluate(pointsOf)} points`;
}

/** Switches the LED in one page; both show what the board says. */
async function toggle(clicker, watcher, act = () => clicker.page.click('#led')) {
  await clicker.page.bringToFront();
  await clicker.page.focus('#led');
  const want = await clicker.page.evaluate(ledOf) === 'true' ? 'false' : 'true';
  await act();
  for (const { page } of [clicker, watcher]) await becomes(page, ledOf, want);
  console.log(`LED ${want === 'true' ? 'on' : 'off'} ${new Date().toISOString()}`);
  return `round trip ${await clicker.page.evaluate(textOf, 'trip')}`;
}

async function echo(page, text) {
  await page.$eval('#echo-text', (field) => (field.value = ''));
  await page.type('#echo-text', text);
  await page.click('#echo-send');
  await page.waitForFunction((text) => document.getElementById('echo-reply').textContent.startsWith(`“${text}” came back in `),
    { polling: 50 }, text)
    .catch(async () => assert(false, await page.evaluate(textOf, 'echo-reply')));
  return page.evaluate(textOf, 'trip');
}

async function shoot(both) {
  for (const { name, page } of both) {
    await page.bringToFront();
    await page.screenshot({ path: join(out, `${name}-desktop.png`), fullPage: true });
    await page.setViewport({ width: 390, height: 844 });
    await painted(page);
    await page.screenshot({ path: join(out, `${name}-phone.png`), fullPage: true });
    await check(`${name}: a phone need not scroll sideways`, async () => {
      const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert(wide <= room, `${wide} pixels on ${room}`);
    });
    await page.setViewport({ width: 1280, height: 800 });
  }
}

// --- What is read from a page ---------------------------------------------------------------------------------------

function textOf(id) {
  return document.getElementById(id).textContent;
}

function ledOf() {
  return document.getElementById('led').getAttribute('aria-checked');
}

function pointsOf() {
  return Number(document.getElementById('plot').dataset.points);
}

/** How many pixels have the colour of the line, and a number for them all (FNV-1a). */
function pictureOf() {
  const plot = document.getElementById('plot');
  const text = getComputedStyle(document.documentElement).getPropertyValue('--accent').trim();
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
  const { data } = plot.getContext('2d').getImageData(0, 0, plot.width, plot.height);
  let line = 0;
  for (let i = 0; i < data.length; i += 4) line += data[i] === r && data[i + 1] === g && data[i + 2] === b;
  return { line, sum: data.reduce((sum, byte) => Math.imul(sum ^ byte, 0x01000193), 0x811c9dc5) };
}

async function watching({ page }) {
  return Number(await page.evaluate(textOf, 'watching'));
}

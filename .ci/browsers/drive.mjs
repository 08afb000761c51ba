// Drives browsers through the demo at URL, as a user would: types, clicks, draws, and reads what the page shows.
// usage: CHROMIUM=PATH FIREFOX=PATH node drive.mjs URL OUT [chromium] [firefox]
// One line per check; the exit status is 1 if one failed. Nothing here waits for a time: each wait is for a condition.
import { join } from 'node:path';
import { feed } from './feed.mjs';
import { NAMES, assert, becomes, check, coloured, finish, launch, newPage, painted } from './harness.mjs';
import { transports } from './transports.mjs';

const [url, out, ...chosen] = process.argv.slice(2);
const PATIENCE = 20_000; // milliseconds

const okOf = (id) => document.getElementById(id).dataset.ok;
const textOf = (selector) => document.querySelector(selector)?.textContent ?? null;
const stateOf = () => document.getElementById('state').dataset.state;

async function type(page, id, text) {
  await page.$eval(`#${id}`, (field) => (field.value = ''));
  await page.type(`#${id}`, text);
}

/** Submits a form and waits for the page's own verdict on what came back. */
async function verdict(page, form, id) {
  await page.$eval(`#${form}`, (form) => form.requestSubmit());
  await becomes(page, okOf, 'true', id);
  return page.$eval(`#${id}`, (output) => output.textContent);
}

async function reconnect(page) {
  await becomes(page, stateOf, 'closed');
  await page.click('#reconnect');
  await becomes(page, stateOf, 'open');
  await page.waitForFunction(() => Number(document.getElementById('tab').textContent) > 0);
}

const tabOf = (page) => page.$eval('#tab', (tab) => tab.textContent);

/** The cells of the row about a tab that has closed. */
const rowOf = (tab) => [...(document.querySelector(`#closings [data-tab="${tab}"]`)?.children ?? [])]
  .slice(1).map((cell) => cell.textContent).join(' | ');

async function drive(name) {
  const { browser, end } = await launch(name);
  try {
    const shoot = (page, what) => page.screenshot({ path: join(out, `${name}-${what}.png`), fullPage: true });
    await run(browser, (what, body) => check(`${name}: ${what}`, body), shoot);
  } finally {
    await end();
  }
}

async function open(context, complaints, at = url) {
  const page = await newPage(context, {
    patience: PATIENCE,
    viewport: { width: 1100, height: 900 },
    complain: (text) => complaints.push(text),
  });
  await page.goto(at, { waitUntil: 'load' });
  return page;
}

async function run(browser, check, shoot) {
  const complaints = [];
  const page = await open(browser, complaints);

  await check('opens, with the subprotocol', async () => {
    await becomes(page, stateOf, 'open');
    await becomes(page, textOf, 'demo.v1', '#protocol');
    await page.waitForFunction(() => Number(document.getElementById('tab').textContent) > 0);
  });
  await check('text comes back', async () => {
    await type(page, 'echo-text', 'täxt €, 𝕎 and "quotes"');
    const said = await verdict(page, 'echo-form', 'echo-result');
    assert(said.includes('täxt €, 𝕎 and "quotes"'), said);
    return said;
  });
  for (const [size, shown] of [['0', '0 B'], ['125', '125 B'], ['65536', '64 KiB'], ['1048576', '1.0 MiB']]) {
    await check(`${shown} of random bytes come back unchanged`, async () => {
      await page.select('#binary-size', size);
      const said = await verdict(page, 'binary-form', 'binary-result');
      assert(said.startsWith(`${shown} came back unchanged`), said);
      return said;
    });
  }
  // The page judges its own echoes; here the driver does.
  await check('1 MiB both ways, compared here', async () => {
    const wrong = await page.evaluate(() => new Promise((resolve) => {
      const made = Uint8Array.from({ length: (1 << 20) + 1 }, (_, at) => (at === 0 ? 0x45 : (at * 31 + (at >> 9)) & 255));
      const ws = new WebSocket(document.location.href.replace('http', 'ws') + 'ws', ['other.v2', 'demo.v1']);
      ws.binaryType = 'arraybuffer';
      ws.onopen = () => ws.send(made);
      ws.onmessage = ({ data }) => {
        if (typeof data === 'string') return;
        const came = new Uint8Array(data);
        ws.onclose = () => resolve(came.length === made.length ? made.filter((byte, at) => byte !== came[at]).length : -1);
        ws.close(1000);
      };
      ws.onclose = ({ code }) => resolve(`closed with ${code}`);
    }));
    assert(wrong === 0, `${wrong} bytes differ`);
  });
  await check('one message in 777 fragments comes whole', async () => {
    await type(page, 'story-count', '777');
    const said = await verdict(page, 'story-form', 'story-result');
    assert(said.endsWith('in 777 fragments'), said);
    await becomes(page, () => document.getElementById('story-text').textContent.endsWith('piece 777 of 777 ✓'), true);
    return said;
  });
  await check('the plot has points of both round trips', async () => {
    await page.waitForFunction(() => document.getElementById('plot').dataset.points >= 8);
    await page.waitForFunction(() => /ms$/.test(document.getElementById('rtt-heartbeat').textContent));
    await coloured(page, '#plot', ['--accent', '--other']);
    return page.$eval('.legend', (legend) => legend.textContent.replace(/\s+/g, ' ').trim());
  });

  // A second tab, in a window of its own if the browser has such: a hidden page is slowed down.
  const context = await browser.createBrowserContext();
  const second = await open(context, complaints);
  await check('a second tab, and both know of each other', async () => {
    await becomes(second, stateOf, 'open');
    await becomes(page, textOf, await tabOf(second), '#others');
    await becomes(second, textOf, await tabOf(page), '#others');
  });
  await check('two tabs talk, in the same order', async () => {
    const said = [[page, 'Hello from the first tab'], [second, 'Hello to you, grüß dich'], [page, '<b>not markup</b>']];
    for (const [at, [speaker, text]] of said.entries()) {
      await type(speaker, 'chat-text', text);
      await speaker.$eval('#chat-form', (form) => form.requestSubmit());
      for (const hearer of [page, second]) {
        await becomes(hearer, (n) => document.querySelectorAll('#chat li:not(.empty)').length === n, true, at + 1);
      }
    }
    const [one, two] = [await tabOf(page), await tabOf(second)];
    const linesOf = () => [...document.querySelectorAll('#chat li')].map((line) => line.textContent).join('\n');
    const lines = (a, b) => [a, b, a].map((who, at) => who + said[at][1]).join('\n');
    await becomes(page, linesOf, lines('you', `tab ${two}`));
    await becomes(second, linesOf, lines(`tab ${one}`, 'you'));
  });

  // A number for the pixels of a canvas (FNV-1a), made in the page: the pixels themselves are much to carry around.
  for (const each of [page, second]) {
    await each.evaluate(() => {
      window.pixelsOf = (selector) => {
        const canvas = document.querySelector(selector);
        if (!canvas) return null;
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return data.reduce((sum, byte) => Math.imul(sum ^ byte, 0x01000193), 0x811c9dc5);
      };
    });
  }
  const screenOf = async (other) => `#screens [data-tab="${await tabOf(other)}"] canvas`;
  const pixelsOf = (selector) => window.pixelsOf(selector);
  const blank = await page.evaluate(pixelsOf, '#canvas');
  const seenAlike = async () => {
    const drawn = await page.evaluate(pixelsOf, '#canvas');
    assert(drawn !== blank, 'nothing was drawn');
    await becomes(second, pixelsOf, drawn, await screenOf(page));
  };
  await check('what the mouse draws is seen in the other tab, pixel by pixel', async () => {
    await page.bringToFront();
    await page.$eval('#canvas', (canvas) => canvas.scrollIntoView({ block: 'center' }));
    const box = await (await page.$('#canvas')).boundingBox();
    const at = (x, y) => [box.x + x * box.width, box.y + y * box.height];
    await page.mouse.move(...at(0.1, 0.8));
    await page.mouse.down();
    for (const [x, y] of [[0.3, 0.2], [0.5, 0.8], [0.7, 0.2], [0.9, 0.8]]) await page.mouse.move(...at(x, y), { steps: 8 });
    await page.mouse.up();
    await seenAlike();
  });
  await check('an animation arrives as a stream, and its last picture is the same', async () => {
    await page.click('#animate');
    const screen = await screenOf(page);
    await second.waitForFunction((selector) => {
      window.seen ??= new Set();
      window.seen.add(window.pixelsOf(selector));
      return window.seen.size >= 5; // a hidden page looks once a second
    }, { polling: 20 }, screen).catch(() => assert(false, 'fewer than 5 pictures were seen'));
    const caption = screen.replace('canvas', 'figcaption');
    await second.waitForFunction((selector) => {
      const [, pictures, size] = /(\d+) pictures\/s, (\d+) kB\/s/.exec(document.querySelector(selector)?.textContent) ?? [];
      return pictures >= 5 && size > 0;
    }, { polling: 100 }, caption);
    const said = await second.$eval(caption, (caption) => caption.textContent);
    await second.bringToFront();
    await painted(second);
    await shoot(second, 'second-tab');
    await page.bringToFront();
    await page.click('#animate');
    await becomes(page, () => document.getElementById('animate').ariaPressed, 'false');
    await seenAlike();
    return said;
  });
  await shoot(page, 'first-tab');

  await check('the server closes, with code and reason', async () => {
    const tab = await tabOf(page);
    await type(page, 'close-code', '4321');
    await type(page, 'close-reason', 'bye, Tschüß');
    await page.click('#close-server');
    const seen = '4321 “bye, Tschüß”, clean';
    await becomes(second, rowOf, `server | – | ${seen}`, tab);
    await reconnect(page);
    await becomes(page, rowOf, `server | ${seen} | ${seen}`, tab);
    return seen;
  });
  await check('the page closes, with code and reason', async () => {
    const tab = await tabOf(page);
    await type(page, 'close-code', '3456');
    await type(page, 'close-reason', 'going, für heute');
    await page.click('#close-page');
    const seen = '3456 “going, für heute”, clean';
    await becomes(second, rowOf, `page | – | ${seen}`, tab);
    await reconnect(page);
    // The server's answer repeats the code alone (RFC 6455 5.5.1).
    await becomes(page, rowOf, `page | 3456, clean | ${seen}`, tab);
    return seen;
  });
  await check('a code that may not be sent is refused, and the connection lives', async () => {
    await type(page, 'close-code', '1006');
    await page.click('#close-server');
    await becomes(page, okOf, 'false', 'close-result');
    await becomes(page, stateOf, 'open');
    return page.$eval('#close-result', (output) => output.textContent);
  });
  await check('a message above the limit is answered with 1009', async () => {
    const tab = await tabOf(page);
    await page.click('#too-big');
    await becomes(page, stateOf, 'closed');
    await becomes(page, (tab) => document.querySelector(`#closings [data-tab="${tab}"]`)?.children[2].textContent.slice(0, 4), '1009', tab);
    await reconnect(page);
    await becomes(page, (tab) => document.querySelector(`#closings [data-tab="${tab}"]`)?.children[3].textContent.slice(0, 4), '1009', tab);
  });
  await check('a tab that goes is missed', async () => {
    const tab = await tabOf(second);
    await second.close();
    await becomes(page, textOf, 'none', '#others');
    await becomes(page, (tab) => document.querySelector(`#closings [data-tab="${tab}"]`)?.children[3].textContent.slice(0, 4), '1001', tab);
  });
  await check('a path that is not there refuses', async () => {
    const code = await page.evaluate(() => new Promise((resolve) => {
      const ws = new WebSocket(document.location.href.replace('http', 'ws') + 'nowhere', 'demo.v1');
      ws.onclose = (event) => resolve(event.code);
      ws.onopen = () => resolve('open');
    }));
    assert(code === 1006, code);
    complaints.splice(0, complaints.length, ...complaints.filter((text) => !text.includes('nowhere')));
  });
  await feed(url, (at) => open(context, complaints, at), check, shoot);
  await transports(url, (at) => open(context, complaints, at), check, shoot);
  await check('no error was logged', async () => assert(complaints.length === 0, complaints.join('; ')));

  await page.evaluate(() => scrollTo(0, 0));
  await shoot(page, 'closings');
  await page.setViewport({ width: 390, height: 844 });
  await painted(page);
  await shoot(page, 'narrow');
}

for (const name of chosen.length ? chosen : NAMES) {
  await check(`${name} starts and ends`, () => drive(name));
}
finish();

// What every script that drives browsers needs: launching them, their pages, checks that are printed and counted, and waits
// for what a page shows. Not here: what is checked, and installing the browsers.
// The caller's environment names them: CHROMIUM=PATH FIREFOX=PATH.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const puppeteer = await import('puppeteer-core').then((module) => module.default, (error) => {
  console.error(`${error.message}\nTo get it: npm ci --prefix .ci/browsers`);
  process.exit(2);
});

const BROWSERS = {
  chromium: {
    browser: 'chrome',
    executablePath: process.env.CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--no-proxy-server'],
  },
  firefox: {
    browser: 'firefox',
    executablePath: process.env.FIREFOX,
    // The dark scheme here, the light one in the other browser.
    extraPrefsFirefox: { 'network.proxy.type': 0, 'ui.systemUsesDarkTheme': 1 },
  },
};
export const NAMES = Object.keys(BROWSERS);

// Told to end, the script ends, and its browsers with it. The library sees to that too, but of several it was seen to forget one.
const running = new Map(); // their processes, and profiles
process.on('exit', () => {
  for (const [{ pid }, profile] of running) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // it has ended
    }
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
});
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

let passed = 0;
let failed = 0;

/** Runs one check, prints its line and counts it. What `body` throws fails it; what it returns is told. */
export async function check(name, body) {
  try {
    const info = await body();
    passed++;
    console.log(`ok   ${name}${info ? `: ${info}` : ''}`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}: ${String(error.message ?? error).split('\n')[0]}`);
  }
}

/** Prints the sums and ends the script: with status 1 if a check failed. */
export function finish() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}

export function assert(truth, what) {
  if (!truth) throw new Error(what);
}

/** Starts a browser of NAMES, headless, with a profile of its own. The caller has to call `end`, whatever happens. */
export async function launch(name) {
  const profile = mkdtempSync(join(tmpdir(), `${name}-`));
  const browser = await puppeteer.launch({
    ...BROWSERS[name],
    headless: true,
    userDataDir: profile,
    timeout: 60_000,
    protocolTimeout: 60_000,
    handleSIGHUP: false,
    handleSIGINT: false,
    handleSIGTERM: false,
  });
  running.set(browser.process(), profile);
  const end = async () => {
    await browser.close().catch(() => browser.process()?.kill('SIGKILL'));
    running.delete(browser.process());
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  console.log(`-- ${name}: ${await browser.version()}`);
  return { browser, end };
}

/** A page of a browser or a context of it. Its waits take `patience` milliseconds at most; errors it logs go to `complain`. */
export async function newPage(context, { patience, viewport, complain }) {
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  page.on('pageerror', (error) => complain(String(error.message)));
  page.on('console', (message) => message.type() === 'error' && complain(message.text()));
  await page.setViewport(viewport);
  return page;
}

/** Waits until `read`, run in the page, is `want`; says what it was instead. */
export async function becomes(page, read, want, ...given) {
  try {
    await page.waitForFunction(`(${read})(...${JSON.stringify(given)}) === ${JSON.stringify(want)}`, { polling: 50 });
  } catch {
    throw new Error(`${JSON.stringify(await page.evaluate(read, ...given))} instead of ${JSON.stringify(want)}`);
  }
}

/** A page whose size has changed, or that was hidden, has drawn what it knows. */
export function painted(page) {
  return page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

/** Waits until a canvas has enough of these colours of the style sheet, such as `--accent`. */
export async function coloured(page, selector, names) {
  await page.waitForFunction((selector, names) => {
    const canvas = document.querySelector(selector);
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return names.every((name) => {
      const text = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
      const [r, g, b] = [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
      let count = 0;
      for (let i = 0; i < data.length; i += 4) count += data[i] === r && data[i + 1] === g && data[i + 2] === b;
      return count > 20;
    });
  }, { polling: 100 }, selector, names);
}

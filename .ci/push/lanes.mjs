// Lanes: pages of `lane.html` side by side in one browser, each in a frame of its own and from an origin of its own, so that none
// takes another's connections. A hidden page is slowed down by its browser; a frame is not. `overCuts` is what several suites check of them.
import { assert, check, newPage } from '../browsers/harness.mjs';
import { PAGE, cutter } from './proxy.mjs';

export const TECHNIQUES = ['websocket', 'sse', 'xhr-streaming', 'html-streaming', 'multipart', 'long-polling', 'jsonp', 'short-polling'];

// Options of PushSocket, for who has not much time.
const QUICK = { timeout: 2000, wait: 1000, interval: 150, delay: 100 };
// Milliseconds until a connection is dead that says nothing: one and a half times what the server may be silent, and QUICK.timeout.
// A frame whose connection broke tells nobody, so that it looks like that too.
const LONGEST = 30_000;

/**
 * Drives techniques at once, each in a lane, over connections to `url` that are cut. A check for each: `news` messages at least and
 * `echoes` of what was said come in order, none lost, none twice; behind each cut it comes back by itself.
 */
export async function overCuts(url, browser, techniques, { name, news, echoes, cuts, window, prefix }) {
  const proxies = await Promise.all(techniques.map(() => cutter(url)));
  const { page, lanes } = await openLanes(browser, proxies.map((proxy) => proxy.url));
  try {
    await Promise.all(techniques.map((technique, at) => check(`${name}: ${technique}, cut by ${cuts.join(', ')}`, async () => {
      const [lane, proxy] = [lanes[at], proxies[at]];
      await lane.begin({ ...QUICK, transports: [technique] }, { window, prefix });
      const part = cuts.length + 1;
      for (const [done, how] of cuts.entries()) {
        const before = await lane.until(news / part * (done + 1), echoes / part * (done + 1));
        await proxy.cut(how);
        assert(await proxy.isBack(LONGEST), `it did not come back behind the ${how}; it had ${before.news} messages`);
      }
      const behind = await lane.state();
      const { news: had, echoes: heard, names } = await lane.until(Math.max(news, behind.news + 20), Math.max(echoes, behind.echoes + 10));
      assert(names.every((each) => each === technique), names.join());
      await lane.end();
      return `${had} messages, ${heard} echoes, ${proxy.requests.length} requests`;
    })));
  } finally {
    await page.close();
    proxies.forEach((proxy) => proxy.end());
  }
}

/** Opens a page with a lane for each of `urls`. */
export async function openLanes(browser, urls) {
  // What a browser says of connections that were cut is no complaint.
  const page = await newPage(browser, { patience: 60_000, viewport: { width: 800, height: 600 }, complain: () => {} });
  await page.setContent(urls.map((url) => `<iframe width=90 height=60 src="${url}${PAGE}"></iframe>`).join(''), { waitUntil: 'load' });
  const lanes = await Promise.all(urls.map(async (url) => {
    const frame = await page.waitForFrame((frame) => frame.url().startsWith(url));
    const lane = new Lane(frame);
    assert(await lane.becomes(() => 'PushSocket' in self, 30_000), `no script in the page of ${url}`);
    return lane;
  }));
  return { page, lanes };
}

class Lane {
  constructor(frame) {
    this.frame = frame;
  }

  begin(options, how) {
    return this.frame.evaluate((options, how) => begin(options, how), options, how);
  }

  /** What came of it so far. */
  state() {
    return this.frame.evaluate(() => ({ ...lane, socket: undefined, waits: lane.socket.bufferedAmount }));
  }

  /** Waits until `is` holds in the page; false: it did not. Asked from here: what waits in a frame of Chromium was seen to sleep for ever. */
  async becomes(is, limit, ...given) {
    for (const end = Date.now() + limit; Date.now() < end;) {
      if (await this.frame.evaluate(is, ...given)) return true;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return false;
  }

  /** Waits for so many messages for all and so many echoes; what is at fault is thrown at once. */
  async until(news, echoes, limit = 60_000) {
    const isDone = (news, echoes) => lane.faults.length > 0 || (lane.news >= news && lane.echoes >= echoes);
    const isInTime = await this.becomes(isDone, limit, news, echoes);
    const state = await this.state();
    assert(state.faults.length === 0, state.faults.slice(0, 3).join('; '));
    assert(isInTime, `${state.news} of ${news} messages, ${state.echoes} of ${echoes} echoes within ${limit / 1000} s; ${state.transport || 'no connection'}`);
    return state;
  }

  /** Waits until the technique in use is `name`, and so many messages and echoes came by it. */
  async settles(name, news, echoes, limit) {
    const hasSettled = (name, news, echoes) => lane.names.at(-1) === name
      && lane.news >= lane.behind.news + news && lane.echoes >= lane.behind.echoes + echoes;
    await this.becomes(hasSettled, limit, name, news, echoes);
    return this.state();
  }

  end() {
    return this.frame.evaluate(() => lane.socket.close());
  }
}

// Each technique in both browsers, over connections that are cut: what is for all and what is said comes in order, none lost, none twice.
// usage: CHROMIUM=PATH FIREFOX=PATH node techniques.mjs URL [board]
// Against the demo all lanes of both browsers run at once; a board has few sockets, so there each browser has one lane at a time.
import { NAMES, assert, check, finish, launch } from '../browsers/harness.mjs';
import { QUICK, TECHNIQUES, openLanes } from './lanes.mjs';
import { cutter } from './proxy.mjs';

const [url, isBoard] = process.argv.slice(2);

// Milliseconds until a connection is dead that says nothing: one and a half times what the server may be silent, and QUICK.timeout.
// A frame whose connection broke tells nobody, so that it looks like that too.
const LONGEST = 30_000;

// The demo says something 20 times a second, a board 4 times.
const DEMO = { news: 200, echoes: 100, cuts: ['reset', 'fin', 'stall'], window: 10, prefix: 'echo:' };
const BOARD = { news: 40, echoes: 20, cuts: ['fin'], window: 2 };

await check('both browsers start and end', () => Promise.all(NAMES.map(isBoard ? inTurn : atOnce)));
finish();

async function atOnce(name) {
  const { browser, end } = await launch(name);
  try {
    await drive(name, browser, TECHNIQUES, DEMO);
  } finally {
    await end();
  }
}

async function inTurn(name, at) {
  const { browser, end } = await launch(name);
  try {
    // Not both the same at the same time.
    const turns = at ? [...TECHNIQUES].reverse() : TECHNIQUES;
    for (const technique of turns) await drive(name, browser, [technique], BOARD);
  } finally {
    await end();
  }
}

async function drive(name, browser, techniques, { news, echoes, cuts, window, prefix }) {
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

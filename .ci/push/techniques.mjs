// Each technique in both browsers, over connections that are cut: what is for all and what is said comes in order, none lost, none twice.
// usage: CHROMIUM=PATH FIREFOX=PATH node techniques.mjs URL [board]
// Against the demo all lanes of both browsers run at once; a board has few sockets, so there each browser has one lane at a time.
import { NAMES, check, finish, launch } from '../browsers/harness.mjs';
import { TECHNIQUES, overCuts } from './lanes.mjs';

const [url, isBoard] = process.argv.slice(2);

// The demo says something 20 times a second, a board 4 times.
const DEMO = { news: 200, echoes: 100, cuts: ['reset', 'fin', 'stall'], window: 10, prefix: 'echo:' };
const BOARD = { news: 40, echoes: 20, cuts: ['fin'], window: 2 };

await check('both browsers start and end', () => Promise.all(NAMES.map(isBoard ? inTurn : atOnce)).then(() => ''));
finish();

async function atOnce(name) {
  const { browser, end } = await launch(name);
  try {
    await overCuts(url, browser, TECHNIQUES, { ...DEMO, name });
  } finally {
    await end();
  }
}

async function inTurn(name, at) {
  const { browser, end } = await launch(name);
  try {
    // Not both the same at the same time.
    const turns = at ? [...TECHNIQUES].reverse() : TECHNIQUES;
    for (const technique of turns) await overCuts(url, browser, [technique], { ...BOARD, name });
  } finally {
    await end();
  }
}

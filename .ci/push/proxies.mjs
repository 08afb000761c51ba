// All techniques through reverse proxies that pass everything on: nginx and HAProxy, as README.md says to set them up, each with one
// of the browsers. Connections are cut between browser and proxy.
// usage: CHROMIUM=PATH FIREFOX=PATH node proxies.mjs NAME URL [NAME URL]
import { NAMES, check, finish, launch } from '../browsers/harness.mjs';
import { TECHNIQUES, overCuts } from './lanes.mjs';

const pairs = process.argv.slice(2);
const HOW = { news: 100, echoes: 50, cuts: ['fin'], window: 10, prefix: 'echo:' };

const proxies = Array.from({ length: pairs.length / 2 }, (_, at) => [pairs[2 * at], pairs[2 * at + 1], NAMES[at % NAMES.length]]);
await check('both browsers start and end', () => Promise.all(proxies.map(drive)).then(() => ''));
finish();

async function drive([proxy, url, name]) {
  const { browser, end } = await launch(name);
  try {
    await overCuts(url, browser, TECHNIQUES, { ...HOW, name: `${name}, ${proxy}` });
  } finally {
    await end();
  }
}

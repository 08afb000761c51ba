// A film in an `<img>`, without a script: multipart streaming of pictures, in both browsers. The demo paints each picture in a colour
// that says which it is.
// usage: CHROMIUM=PATH FIREFOX=PATH node images.mjs URL
import { NAMES, assert, check, finish, launch, newPage } from '../browsers/harness.mjs';
import { PAGE, cutter } from './proxy.mjs';

const [url] = process.argv.slice(2);
const PATIENCE = 20_000; // milliseconds
const PICTURES = 10; // different ones that have to be seen

for (const name of NAMES) await check(`${name} starts and ends`, () => drive(name));
finish();

async function drive(name) {
  const { browser, end } = await launch(name);
  const proxy = await cutter(url);
  try {
    const page = await newPage(browser, { patience: PATIENCE, viewport: { width: 300, height: 200 }, complain: () => {} });
    await page.goto(proxy.url + PAGE, { waitUntil: 'load' });
    await check(`${name}: an <img> shows ${PICTURES} pictures, in order`, async () => {
      await page.evaluate(() => (document.body.appendChild(new Image(64, 48)).src = '/camera'));
      await page.waitForFunction(() => document.images[0].naturalWidth);
      const end = Date.now() + PATIENCE;
      const seen = [];
      while (seen.length < PICTURES && Date.now() < end) {
        const [red, green, blue] = await shown(page);
        if (near(green, 64) && near(blue, 96) && !near(red, seen.at(-1))) seen.push(Math.round(red / 16) * 16);
      }
      const size = await page.evaluate(() => document.images[0].naturalWidth + ' x ' + document.images[0].naturalHeight);
      assert(seen.length >= PICTURES, `${seen.length} pictures`);
      assert(size === '64 x 48', size);
      // One may be passed over on a busy machine; none may come before its time.
      const steps = seen.slice(1).map((red, at) => ((red - seen[at]) / 16 + 15) % 15);
      assert(steps.every((step) => step > 0 && step < 8), `red ${seen.join(', ')}`);
      const requests = proxy.requests.filter(({ line }) => line.includes('/camera')).length;
      assert(requests === 1, `${requests} requests`);
      return `${size}, red ${seen.join(', ')}, one request`;
    });
  } finally {
    await end();
    proxy.end();
  }
}

/** The colour that is on the screen: what a canvas takes from such an image is the first picture in Firefox. */
async function shown(page) {
  const { x, y } = await page.evaluate(() => document.images[0].getBoundingClientRect().toJSON());
  const shot = await page.screenshot({ encoding: 'base64', clip: { x: x + 1, y: y + 20, width: 2, height: 2 } });
  return page.evaluate(async (shot) => {
    const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${shot}`)).blob());
    const context = Object.assign(document.createElement('canvas'), { width: 2, height: 2 }).getContext('2d');
    context.drawImage(bitmap, 0, 0);
    return [...context.getImageData(0, 0, 1, 1).data];
  }, shot);
}

/** Colours may be a little different on a screen. */
function near(a, b) {
  return Math.abs(a - b) < 6;
}

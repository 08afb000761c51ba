// The shared screen: who is here, and what the other tabs draw.
import { FRAME, shareAgain } from './canvas.js';
import { hear, tab, whenClosed } from './connection.js';
import { $, element } from './dom.js';
import { rate } from './rate.js';

const screens = new Map(); // by tab: { figure, context, caption, rate, isBusy, next }

hear[FRAME] = async (data) => {
  const [from, picture] = [new DataView(data).getUint32(1), data.slice(5)];
  const screen = screens.get(from) ?? addScreen(from);
  screen.rate.add(picture.byteLength);
  screen.next = picture;
  if (screen.isBusy) return; // one at a time: so they cannot overtake each other
  screen.isBusy = true;
  while (screen.next) {
    const current = screen.next;
    screen.next = null;
    try {
      const bitmap = await createImageBitmap(new Blob([current], { type: 'image/png' }));
      screen.context.drawImage(bitmap, 0, 0);
      bitmap.close();
    } catch {
      continue; // no picture: the next one may be
    }
  }
  screen.isBusy = false;
};

function addScreen(from) {
  const figure = element('figure');
  const view = element('canvas');
  [view.width, view.height] = [320, 180];
  figure.dataset.tab = from;
  const caption = element('figcaption');
  view.setAttribute('role', 'img');
  view.ariaLabel = `What tab ${from} draws`;
  figure.append(view, caption);
  $('screens').querySelector('.empty')?.remove();
  $('screens').append(figure);
  const screen = { figure, caption, context: view.getContext('2d'), rate: rate(), isBusy: false, next: null };
  screens.set(from, screen);
  return screen;
}

/** Forgets the screens of those who have left. */
function dropScreens(others) {
  for (const [from, { figure }] of screens) {
    if (others.includes(from)) continue;
    figure.remove();
    screens.delete(from);
  }
  if (screens.size === 0) $('screens').replaceChildren(element('p', 'no other tab has drawn yet', 'empty'));
}

hear.tabs = ({ tabs }) => {
  const others = tabs.filter((other) => other !== tab);
  $('others').textContent = others.join(', ') || 'none';
  dropScreens(others);
  shareAgain(others);
};

whenClosed.push(() => dropScreens([]));

setInterval(() => {
  for (const [from, { caption, rate }] of screens) caption.textContent = `tab ${from}: ${rate.text()}`;
}, 500);

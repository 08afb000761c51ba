// The shared screen: what this tab draws.
import { hear, send, tab, whenOpen } from './connection.js';
import { $ } from './dom.js';
import { rate } from './rate.js';

export const FRAME = 0x46; // 'F'

const canvas = {
  pen: $('canvas').getContext('2d', { willReadFrequently: true }),
  isDrawn: false,
  isDirty: false, // since the latest picture was made
  isBusy: false, // a picture is being made
  underway: 0, // pictures sent that the server has not taken yet
  rate: rate(),
};
let last = null; // where the pointer was
let timer = 0;

function wipe() {
  canvas.pen.fillStyle = '#fff';
  canvas.pen.fillRect(0, 0, 320, 180);
}

/** Something is drawn: the others are to see it. */
function touch() {
  canvas.isDrawn = true;
  canvas.isDirty = true;
  share();
}

/** Sends a picture if there is a new one and those before were taken: a slow connection gets fewer, never older ones. */
function share() {
  if (!canvas.isDirty || canvas.isBusy || canvas.underway >= 2 || tab === 0) return;
  canvas.isDirty = false;
  canvas.isBusy = true;
  $('canvas').toBlob(async (blob) => {
    const picture = new Uint8Array(await blob.arrayBuffer());
    const message = new Uint8Array(picture.length + 1);
    message[0] = FRAME;
    message.set(picture, 1);
    if (send(message)) {
      canvas.underway++;
      canvas.rate.add(picture.length);
    }
    canvas.isBusy = false;
    share();
  }, 'image/png');
}

function place(event) {
  const box = $('canvas').getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * 320, ((event.clientY - box.top) / box.height) * 180];
}

$('canvas').onpointerdown = (event) => {
  $('canvas').setPointerCapture(event.pointerId);
  last = place(event);
  $('canvas').onpointermove(event);
};

$('canvas').onpointermove = (event) => {
  if (!last) return;
  const next = place(event);
  const { pen } = canvas;
  pen.strokeStyle = `hsl(${(performance.now() / 10) % 360} 80% 45%)`;
  pen.lineWidth = 6;
  pen.lineCap = 'round';
  pen.beginPath();
  pen.moveTo(...last);
  pen.lineTo(...next);
  pen.stroke();
  last = next;
  touch();
};

$('canvas').onpointerup = $('canvas').onpointercancel = () => (last = null);

$('clear').onclick = () => {
  wipe();
  touch();
};

$('animate').onclick = () => {
  const isOn = timer === 0;
  if (isOn) timer = setInterval(animate, 40);
  else timer = clearInterval(timer) ?? 0;
  $('animate').ariaPressed = isOn;
};

function animate() {
  wipe();
  const { pen } = canvas;
  const turn = performance.now() / 1500;
  for (let n = 0; n < 24; n++) {
    const angle = turn + (n * Math.PI) / 12;
    const reach = 62 + 18 * Math.sin(turn * 2 + n);
    pen.fillStyle = `hsl(${n * 15} 75% 50%)`;
    pen.beginPath();
    pen.arc(160 + 1.7 * reach * Math.cos(angle), 90 + reach * Math.sin(angle), 5 + (n % 4), 0, 2 * Math.PI);
    pen.fill();
  }
  touch();
}

whenOpen.push(() => (canvas.underway = 0));

hear.taken = () => {
  canvas.underway--;
  share();
};

/** Others are here, of whom some may have just come and seen nothing yet. */
export function shareAgain(others) {
  canvas.isDirty = canvas.isDrawn && others.length > 0;
  share();
}

setInterval(() => {
  if (canvas.isDrawn) $('sent').textContent = `sent: ${canvas.rate.text()}`;
}, 500);

wipe();

// What stands in for a browser: a page that has the client's script in it, with WebSocket and EventSource of npm, fetch of
// Node, and a document that knows two elements: <script>, and <iframe>, whose scripts run as they come.
// Not here: layout, security, and what real browsers do otherwise.
import { readFileSync } from 'node:fs';
import vm from 'node:vm';
import { EventSource } from 'eventsource';
import { WebSocket as Client } from 'ws';

export const SCRIPT = new URL('../../../ws-core/src/transport/client.js', import.meta.url);

/** What is served of the script: without indentation, empty lines, lines of comment, and what follows ` // `. */
export function squeezed(text = readFileSync(SCRIPT, 'utf8')) {
  const isComment = (line) => line.startsWith('//') || (line.startsWith('/*') && line.endsWith('*/'));
  return text.split('\n').map((line) => line.split(' // ')[0].trim()).filter((line) => line && !isComment(line)).join('\n');
}

const source = squeezed();


/** A page at `url`, which lacks what is named in `without`. What it did is in `beacons`, `sockets`. */
export function page(url, without = []) {
  const self = vm.createContext(Object.assign(new EventTarget(), { beacons: [], sockets: [] }));
  const bind = (name) => (self[name] = EventTarget.prototype[name].bind(self));
  ['addEventListener', 'removeEventListener', 'dispatchEvent'].forEach(bind);
  // Browsers do without a handler of errors; the class of npm does not.
  class WebSocket extends Client {
    constructor(...args) {
      super(...args);
      this.on('error', () => {});
      self.sockets.push(this);
    }
  }
  const has = {
    self, WebSocket, EventSource, fetch: fetchInPieces, document: documentOf(self, url), location: new URL(url),
    navigator: { sendBeacon: (to, body) => self.beacons.push({ to, body }) },
  };
  for (const name of without) has[name] = undefined;
  new Function(...Object.keys(has), source)(...Object.values(has));
  return self;
}

/** A body comes in pieces that end anywhere. */
async function fetchInPieces(...asked) {
  const response = await fetch(...asked);
  const pieces = new TransformStream({
    transform(all, controller) {
      for (let at = 0; at < all.length; at += 37) controller.enqueue(all.subarray(at, at + 37));
    },
  });
  return new Response(response.body?.pipeThrough(pieces), response);
}

function documentOf(self, url) {
  const run = (code, context) => {
    try {
      vm.runInContext(code, context);
    } catch (error) {
      // As when a frame calls what is gone: reported, nothing more.
      if (!['ReferenceError', 'TypeError'].includes(error.name)) throw error;
    }
  };
  const load = {
    async script(element, signal) {
      const response = await fetch(element.src, { signal, headers: { Referer: url } });
      if (!response.ok) throw new Error(response.status);
      run(await response.text(), self);
    },
    async iframe(element, signal) {
      const frame = vm.createContext({ parent: self });
      const decoder = new TextDecoder();
      let text = '';
      let response;
      try {
        response = await fetch(element.src, { signal });
        for await (const piece of response.body) {
          text += decoder.decode(piece, { stream: true });
          for (let script; (script = /<script>(.*?)<\/script>/s.exec(text));) {
            text = text.slice(script.index + script[0].length);
            if (!signal.aborted) run(script[1], frame);
          }
        }
      } catch {
        // What a browser shows instead of a document is one too. One that breaks off never loads, and nothing says so.
        if (response) await new Promise(() => {});
      }
    },
  };
  return {
    hidden: false,
    createElement(tag) {
      const control = new AbortController();
      // A script that was begun runs even when its element is gone; a frame does not.
      return { tag, control, remove: () => tag === 'iframe' && control.abort() };
    },
    documentElement: {
      append(element) {
        const { signal } = element.control;
        const tell = (type) => signal.aborted || element[type]();
        load[element.tag](element, signal).then(() => tell('onload'), () => tell('onerror'));
      },
    },
  };
}

// The tab's WebSocket: how it opens and ends, and who hears which message. What is said over it is listed in
// src/messages.rs.
import { $, show } from './dom.js';

const PROTOCOL = 'demo.v1';

let ws;
export let tab = 0; // its number; 0 while there is no connection
let closer = 'server'; // who began, unless the page did

/** By the `type` of a text message, and by the first byte of a binary one. */
export const hear = {};
/** Called with the number of the tab once there is one; and with that, the CloseEvent and who began, when it is no more. */
export const whenOpen = [];
export const whenClosed = [];

export function connect() {
  const url = address('/ws');
  ws = new WebSocket(url, PROTOCOL);
  ws.binaryType = 'arraybuffer';
  ws.onopen = opened;
  ws.onmessage = received;
  ws.onclose = closed;
  closer = 'server';
  $('protocol').textContent = '–';
  show($('close-result'), '', '');
  showState('connecting');
}

/** Where this page's server has a WebSocket. */
export function address(path) {
  const url = new URL(path, location.href);
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  return url;
}

function opened() {
  $('protocol').textContent = ws.protocol;
  showState('open');
}

function closed(event) {
  showState('closed');
  $('others').textContent = '–';
  const gone = tab;
  tab = 0;
  for (const each of whenClosed) each(gone, event, closer);
}

function showState(state) {
  $('state').dataset.state = state;
  $('state').textContent = state;
  $('reconnect').disabled = state !== 'closed';
  if (state !== 'open') $('tab').textContent = '–';
}

/** An object as JSON, or bytes as they are. False: there is no connection. */
export function send(message) {
  if (ws.readyState !== WebSocket.OPEN) return false;
  ws.send(message instanceof Uint8Array ? message : JSON.stringify(message));
  return true;
}

/** Throws if a page may not close with this. */
export function close(code, reason) {
  ws.close(code, reason);
  closer = 'page';
}

function received({ data }) {
  if (typeof data === 'string') {
    const message = JSON.parse(data);
    hear[message.type]?.(message);
  } else {
    hear[new DataView(data).getUint8(0)]?.(data);
  }
}

hear.welcome = (message) => {
  tab = message.tab;
  $('tab').textContent = tab;
  for (const each of whenOpen) each(tab);
  message.closings.forEach(hear.closed);
};

$('reconnect').onclick = connect;

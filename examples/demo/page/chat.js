// Tabs talking.
import { hear, send, tab } from './connection.js';
import { $, element } from './dom.js';

$('chat-form').onsubmit = (event) => {
  event.preventDefault();
  if (send({ type: 'chat', text: $('chat-text').value })) $('chat-text').value = '';
};

hear.chat = ({ tab: from, text }) => {
  const line = element('li', '', from === tab ? 'own' : '');
  line.append(element('b', from === tab ? 'you' : `tab ${from}`), text);
  $('chat').querySelector('.empty')?.remove();
  $('chat').append(line);
  while ($('chat').children.length > 100) $('chat').firstChild.remove();
  $('chat').scrollTop = $('chat').scrollHeight;
};

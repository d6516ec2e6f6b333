// A whole CRM driver in JavaScript: STOMP over TCP (@stomp/stompjs), events as JSON. It signs an agent in, takes one
// call, holds and retrieves it, hangs up and signs the agent out. docs/driver-guide.md explains the steps and how to
// run it.
import { EventEmitter, on, once } from 'node:events';
import { setTimeout as after } from 'node:timers/promises';
import { Client } from '@stomp/stompjs';
import { TCPWrapper } from '@stomp/tcp-wrapper';

const {
  BROKER = 'tcp://127.0.0.1:61613', COMMAND_QUEUE: queue = 'Connector1', DESTINATION: topic = 'desk',
  AGENT: agent = '1002', PASSWORD: password = 'secret', EXTENSION: extension = '2002',
} = process.env;
const ANSWER = 30, CALL = 300; // seconds to wait: for the connector and the broker, for a caller

const { hostname, port } = new URL(BROKER);
const broker = new Client({
  webSocketFactory: () => new TCPWrapper(hostname, Number(port)),
  connectHeaders: { host: hostname },
  reconnectDelay: 0, // this driver gives up when the broker goes away
});
const inbox = new EventEmitter();
const events = on(inbox, 'event'); // keeps what nobody waits for yet
broker.onConnect = () => inbox.emit('connected');
broker.onStompError = (frame) => inbox.emit('error', new Error(`the broker answers ${frame.headers.message}`));
broker.onWebSocketClose = () => inbox.emit('error', new Error('there is no connection to the broker'));

async function late(seconds, what) {
  await after(seconds * 1000, null, { ref: false });
  throw new Error(`${what} did not come within ${seconds} s`);
}

function send(type, body = '') {
  console.log(`> ${type}`); // not the parameters: they may hold a password
  // The reply-to is for a connector that does not know the agent; Hello and Connect heed the format. Without a
  // content-length it is a TextMessage.
  const headers = { type, 'reply-to': `/topic/${topic}`, format: 'json' };
  broker.publish({ destination: `/queue/${queue}`, body, headers, skipContentLengthHeader: true });
}

// Reads events up to one that has all these fields.
async function wait(fields, seconds = ANSWER) {
  const timeout = late(seconds, JSON.stringify(fields));
  for (;;) {
    const { value: [message] } = await Promise.race([events.next(), timeout]);
    console.log(`${message.headers.MessageCategory}\t${message.body}`);
    const event = JSON.parse(message.body);
    if (event.type === 'Error' || event.state === 'RE_LOGIN') throw new Error(`the connector answers ${message.body}`);
    if (Object.entries(fields).every(([name, value]) => event[name] === value)) return event;
  }
}

function ask(type, body, answer) {
  send(type, body);
  return wait(answer);
}

try {
  broker.activate();
  await Promise.race([once(inbox, 'connected'), late(ANSWER, 'the connection to the broker')]);
  broker.subscribe(`/topic/${topic}`, (message) => inbox.emit('event', message)); // before Hello: a topic keeps nothing
  await ask(`Hello#${topic}`, '', { type: 'System', status: 'IN_SERVICE' });
  send(`Connect#${agent}`, `${topic},${password}`); // no answer is a good answer
  await ask(`Login#${agent}`, `${password},${extension}`, { type: 'AgentInfo' });
  await ask(`MakeReady#${agent}`, '', { type: 'State', state: 'READY' });
  const { dialogId } = await wait({ type: 'NewInboundCall' }, CALL);
  await ask(`AnswerCall#${agent}`, dialogId, { type: 'InboundCall', state: 'ACTIVE', dialogId });
  await ask(`HoldCall#${agent}`, dialogId, { type: 'InboundCall', state: 'HELD', dialogId });
  await ask(`RetrieveCall#${agent}`, dialogId, { type: 'InboundCall', state: 'ACTIVE', dialogId });
  await ask(`ReleaseCall#${agent}`, dialogId, { type: 'InboundCall', state: 'DROPPED', dialogId });
  await ask(`MakeNotReady#${agent}`, '', { type: 'State', state: 'NOT_READY' }); // who is ready cannot sign out
  await ask(`Logout#${agent}`, '', { type: 'State', state: 'LOGOUT' });
  await broker.deactivate();
} catch (error) {
  console.error(`driver: ${error.message}`);
  process.exit(1);
}

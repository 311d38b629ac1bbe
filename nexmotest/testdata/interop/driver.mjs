// Checks of a server with the official client, for interop_test.go. The argument
// says where the server is and has the tokens. For every check a line is printed,
// with the reason if it failed. For what only the server can do, a line asks, and
// a line of the input answers.
import { createInterface } from "node:readline";
import Client from "nexmo-client";
import { XMLHttpRequest } from "./xhr.mjs";

globalThis.XMLHttpRequest = XMLHttpRequest;

// A browser's WebRTC: as much of it as the client uses.
class PeerConnection {
  constructor() {
    setTimeout(() => this.onnegotiationneeded?.());
  }
  addTrack() {}
  async createOffer() {
    return { type: "offer", sdp: "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=setup:actpass\r\n" };
  }
  async setLocalDescription(description) {
    this.localDescription = description;
    setTimeout(() => this.onicecandidate({ candidate: { type: "srflx" } }));
  }
  async setRemoteDescription(description) {
    this.remoteDescription = description;
    this.ontrack({ streams: [{}] });
    this.connectionState = "connected";
    this.onconnectionstatechange();
  }
  close() {}
}
globalThis.RTCPeerConnection = PeerConnection;
globalThis.RTCSessionDescription = Object;
const track = { kind: "audio", stop() {} };
const stream = { getTracks: () => [track], getAudioTracks: () => [track] };
delete globalThis.navigator; // with that of newer versions of Node, the client does not know where it is

// microphone lends the client a navigator until it has asked for sound.
function microphone() {
  const getUserMedia = async () => delete globalThis.navigator && stream;
  globalThis.navigator = { mediaDevices: { getUserMedia } };
}

const server = JSON.parse(process.argv[2]);
const patience = 15_000;

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const print = (line) => console.log(JSON.stringify(line));

// ask has the server do something, and returns what it answers.
async function ask(what, ...args) {
  print({ ask: what, args });
  const { value, done } = await answers.next();
  if (done) process.exit(0); // the test is over
  return JSON.parse(value);
}

// within fails if a promise takes too long.
function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${patience} ms`)), patience);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// hears resolves with what a listener is given, once wanted says that it is that.
function hears(emitter, event, wanted = () => true) {
  const heard = new Promise((resolve) => {
    const listen = (...args) => {
      if (!wanted(...args)) return;
      emitter.off(event, listen);
      resolve(args);
    };
    emitter.on(event, listen);
  });
  return within(heard, event);
}

// until waits for a condition that no event tells of.
async function until(condition) {
  while (!condition()) await new Promise(setImmediate);
}

function equal(got, want, what) {
  const [g, w] = [JSON.stringify(got), JSON.stringify(want)];
  if (g !== w) throw new Error(`${what}: ${g}, want ${w}`);
}

function holds(condition, what) {
  if (!condition) throw new Error(what);
}

// refused returns the error of what must be refused.
async function refused(promise, type) {
  let result;
  try {
    result = await within(promise, type);
  } catch (error) {
    equal(error.type, type, "the type of the error");
    return error;
  }
  throw new Error(`not refused but ${JSON.stringify(result?.id ?? null)}, want ${type}`);
}

const clients = [];

function client() {
  const c = new Client({
    nexmo_api_url: server.api_url,
    url: server.ws_url.replace(/^ws/, "http"), // or it reports a reconnection to nowhere
    ips_url: `${server.api_url}/v1/image`,
    rtcstats: { remote_collection: false },
    socket_io: { reconnectionDelay: 20, reconnectionDelayMax: 50 },
  });
  clients.push(c);
  return c;
}

async function check(name, run) {
  try {
    await run();
    print({ check: name });
  } catch (error) {
    print({ check: name, error: String(error?.stack ?? JSON.stringify(error)) });
  }
}

const a = client();
const b = client();
let alice, bob; // applications
let chat, chatB; // the conversation, as each sees it
let sent; // alice's text
let aliceMember, bobMember;

await check("login", async () => {
  alice = await within(a.createSession(server.tokens.alice), "login");
  bob = await within(b.createSession(server.tokens.bob), "login");
  equal([alice.me.name, bob.me.name], ["alice", "bob"], "names");
  holds(/^SES-/.test(a.session_id) && a.session_id !== b.session_id, "session IDs");
  holds(alice.me.id.startsWith("USR-") && a.apiKey, "body of the answer");
});
for (const [token, type] of [
  ["nonsense", "system:error:invalid-token"],
  [server.tokens.nobody, "user:error:invalid-user"],
  [server.tokens.expired, "system:error:expired-token"],
  [server.tokens.powerless, "system:error:permission"],
]) {
  await check(`login refused: ${type}`, async () => {
    const c = client();
    const error = await refused(c.createSession(token), type);
    holds(error.description, "no description");
    c.disconnect();
  });
}
await check("login refused on demand", async () => {
  await ask("refuse", "session:error:max-open-sessions");
  const c = client();
  await refused(c.createSession(server.tokens.alice), "session:error:max-open-sessions");
  c.disconnect();
});
await check("create", async () => {
  chat = await within(alice.newConversation({ name: "chat", display_name: "The chat" }), "create");
  equal([chat.name, chat.display_name, chat.members.size, chat.me], ["chat", "The chat", 0, null], "conversation");
  holds(chat.id.startsWith("CON-") && chat.timestamp.created, "conversation");
});
await check("create refused: duplicate name", () => refused(alice.newConversation({ name: "chat" }), "conversation:error:duplicate-name"));
await check("send before joining refused", async () => {
  holds(await chat.sendText("x").then(() => false, () => true), "it was sent");
});
await check("join", async () => {
  const joined = hears(alice, "member:joined");
  aliceMember = await within(chat.join(), "join");
  equal([aliceMember.user.id, aliceMember.state, chat.me.id], [alice.me.id, "JOINED", aliceMember.id], "member");
  const [member, event] = await joined;
  equal([member.id, member.user.name, event.cid, event.from], [aliceMember.id, "alice", chat.id, aliceMember.id], "member:joined");
});
await check("join refused: joined already", () => refused(chat.join(), "conversation:error:member-already-joined"));
await check("invite", async () => {
  const invited = hears(bob, "member:invited");
  const member = await within(chat.invite({ user_name: "bob" }), "invite");
  equal([member.state, member.user.id, member.invited_by], ["INVITED", bob.me.id, "alice"], "member");
  const [about, event] = await invited;
  equal([about.user.name, event.body.invited_by, event.cid], ["bob", "alice", chat.id], "member:invited");
  equal(event.from, aliceMember.id, "the author");
  holds(event.body.timestamp.invited && event.body.user.id === bob.me.id, "body");
  chatB = bob.conversations.get(chat.id);
  equal([chatB.me.id, chatB.me.state], [member.id, "INVITED"], "own membership");
});
await check("invite refused: invited already", () => refused(chat.invite({ id: bob.me.id }), "conversation:error:member-already-invited"));
await check("invite refused: no such user", () => refused(chat.invite({ user_name: "nobody" }), "user:error:not-found"));
await check("send without having accepted refused", () => refused(chatB.sendText("x"), "event:error:not-joined"));
await check("decline an invitation", async () => {
  const declined = chatB.me.id;
  const left = hears(chat, "member:left");
  await within(chatB.leave({ reason_code: "12", reason_text: "no" }), "decline");
  const [info, event] = await left;
  equal([info.memberId, event.body.reason], [declined, { code: "12", text: "no" }], "member:left");
  const page = await within(bob.getConversations({ state: "INVITED" }), "list");
  equal(page.items.size, 0, "invitations");
  const invited = hears(bob, "member:invited");
  const member = await within(chat.invite({ id: bob.me.id }), "invite");
  await invited;
  chatB = bob.conversations.get(chat.id);
  holds(member.id !== declined && chatB.me.id === member.id, "membership");
});
await check("accept an invitation", async () => {
  const heard = hears(chat, "member:joined");
  bobMember = await within(chatB.join(), "join");
  equal([bobMember.id, bobMember.state], [chatB.me.id, "JOINED"], "member");
  const [info, event] = await heard;
  equal([info.userName, event.body.user.name, event.from], ["bob", "bob", bobMember.id], "member:joined");
  holds(event.body.timestamp.invited && event.body.timestamp.joined, "timestamps");
});
await check("get, old shape", async () => {
  const c = await within(alice.getConversation(chat.id, "v0.1"), "get");
  equal([c.id, c.members.size, c.me.id], [chat.id, 3, aliceMember.id], "conversation");
  equal([...c.members.values()].map((m) => [m.user.name, m.state]), [["alice", "JOINED"], ["bob", "LEFT"], ["bob", "JOINED"]], "members");
});
await check("get, new shape", async () => {
  const c = await within(bob.getConversation(chat.id, "v0.3"), "get");
  equal([c.id, c.name, c.me.id], [chat.id, "chat", bobMember.id], "conversation");
});
await check("get refused", () => refused(alice.getConversation("CON-none", "v0.3"), "conversation:error:not-found"));
await check("get refused, old shape", () => refused(alice.getConversation("CON-none", "v0.1"), "conversation:error:not-found"));

await check("text, own event, delivered by itself", async () => {
  const here = hears(chat, "text");
  const there = hears(chatB, "text");
  const delivered = hears(chat, "text:delivered");
  sent = await within(chat.sendText("hello <b>"), "send");
  const [[from, got], [, own], [by, marked]] = [await there, await here, await delivered];
  equal([got.body.text, got.id, got.from, from.userName, from.memberId], ["hello <b>", sent.id, aliceMember.id, "alice", aliceMember.id], "text");
  equal([own.id, typeof own.id], [sent.id, "number"], "own text");
  equal([by.memberId, marked.id, Object.keys(marked.state.delivered_to)], [bobMember.id, sent.id, [bobMember.id]], "delivered");
});
await check("text back, seen", async () => {
  const there = hears(chat, "text");
  await within(chatB.sendText("hi"), "send");
  const [, text] = await there;
  const seen = hears(chatB, "text:seen");
  await within(text.seen(), "seen");
  const [, marked] = await seen;
  equal([marked.body.text, Object.keys(marked.state.seen_by)], ["hi", [aliceMember.id]], "seen");
});
for (const body of [
  { message_type: "text", text: "typed" },
  { message_type: "image", image: { url: "https://example.com/a.png" } },
  { message_type: "location", location: { longitude: "1.5", latitude: "2.5", name: "n", address: "a" } },
  { message_type: "custom", custom: { a: [1, null] } },
]) {
  await check(`message: ${body.message_type}`, async () => {
    const there = hears(chatB, "message");
    const delivered = hears(chat, "message:delivered");
    const message = await within(chat.sendMessage(body), "send");
    const [, got] = await there;
    equal([got.id, got.body], [message.id, body], "message");
    await delivered;
    const seen = hears(chat, "message:seen");
    await within(got.seen(), "seen");
    const [, marked] = await seen;
    equal(marked.id, message.id, "marked");
  });
}
await check("custom event, and its receipts", async () => {
  const there = hears(chatB, "order");
  const custom = await within(chat.sendCustomEvent({ type: "order", body: { n: 1, user_name: "kept" } }), "send");
  const [from, got] = await there;
  equal([got.id, got.type, got.body, from.userName], [custom.id, "order", { n: 1, user_name: "kept" }, "alice"], "custom");
  const receipts = [hears(chat, "event:delivered"), hears(chat, "event:seen")];
  await within(got.delivered(), "delivered");
  await within(got.seen(), "seen");
  for (const [, e] of await Promise.all(receipts)) equal(e.body.event_id, custom.id, "receipt");
});
await check("ephemeral event", async () => {
  const there = hears(chatB, "ephemeral");
  const e = await within(chat.sendEphemeralEvent({ x: 1 }), "send");
  const [, got] = await there;
  equal([got.body, got.id ?? null, e.id ?? null], [{ x: 1 }, null, null], "ephemeral");
});
await check("typing", async () => {
  for (const [state, activity] of [["on", 1], ["off", 0]]) {
    const there = hears(chatB, `text:typing:${state}`);
    equal(await within(state === "on" ? chat.startTyping() : chat.stopTyping(), "typing"), `text:typing:${state}:success`, "answer");
    const [from, got] = await there;
    equal([from.userName, got.body.activity], ["alice", activity], "typing");
  }
});
await check("ringing", async () => {
  for (const state of ["start", "stop"]) {
    const there = hears(chatB, `audio:ringing:${state}`);
    await within(state === "start" ? chat.media.startRinging() : chat.media.stopRinging(), "ringing");
    await there;
  }
});
await check("say and play", async () => {
  const said = hears(chatB, "audio:say");
  const say = await within(chat.media.sayText({ text: "hello" }), "say");
  const [, there] = await said;
  equal([say.type, say.id, say.body.text, there.id, there.body.text], ["audio:say", there.id, "hello", say.id, "hello"], "audio:say");
  const played = hears(chatB, "audio:play");
  const play = await within(chat.media.playStream({ stream_url: ["https://example.com/a.mp3"], level: 0.5, loop: 1 }), "play");
  equal([play.type, (await played)[1].body.stream_url], ["audio:play", ["https://example.com/a.mp3"]], "audio:play");
});
await check("audio, keys and what is heard", async () => {
  const media = hears(chatB, "member:media");
  const answered = hears(chat, "rtc:answer");
  microphone();
  await within(chat.media.enable({ autoPlayAudio: false }), "enable");
  const [{ body }] = await answered;
  holds(/m=audio.*a=setup:active/s.test(body.answer), "the answer does not fit");
  equal((await media)[1].from, aliceMember.id, "member:media");
  // The answer may be here before that of the request.
  await within(until(() => chat.media.rtcObjects[body.rtc_id]), "the leg");
  const pressed = hears(chatB, "audio:dtmf");
  const own = await within(chat.media.sendDTMF("12#"), "DTMF");
  const [, keys] = await pressed;
  equal([keys.digit, keys.id, keys.body.channel.id], ["12#", own.id, body.rtc_id], "audio:dtmf");
  for (const state of ["on", "off"]) {
    const muted = hears(chatB, `audio:mute:${state}`);
    await within(chat.media.mute(state === "on"), "mute");
    equal((await muted)[1].body.rtc_id, body.rtc_id, `audio:mute:${state}`);
    const covered = hears(chatB, `audio:earmuff:${state}`);
    await within(chat.media.earmuff(state === "on"), "earmuff");
    await covered;
  }
  const over = hears(chatB, "rtc:hangup");
  await within(chat.media.disable(), "disable");
  equal((await over)[0].body.channel.id, body.rtc_id, "rtc:hangup");
});
await check("receipts that the client refuses", async () => {
  await refused(chat.events.get(sent.id).seen(), "error:seen:own-message");
  await refused(chat.events.get(sent.id).delivered(), "error:delivered:own-message");
  const marked = hears(chatB, "text:seen");
  await within(chatB.events.get(sent.id).seen(), "seen");
  await marked;
  await refused(chatB.events.get(sent.id).seen(), "error:already-seen");
});
await check("a receipt of an event that is not there refused", () => refused([...chatB.events.values()].find((e) => e.from === aliceMember.id && e.type === "event").seen(9999), "event:error:not-found"));
await check("events, page after page", async () => {
  const all = (await within(chat.getEvents({ page_size: 100 }), "list")).items;
  const ids = [];
  let page = await within(chat.getEvents({ page_size: 4 }), "list");
  holds(!page.hasPrev(), "a page before the first");
  for (;;) {
    ids.push(...page.items.keys());
    if (!page.hasNext()) break;
    page = await within(page.getNext(), "next");
    holds(page.hasPrev(), "no page before");
  }
  equal(ids, [...all.keys()], "IDs");
  holds(ids.length > 12 && ids.every((id, i) => i === 0 || id > ids[i - 1]), "order");
  const before = await within(page.getPrev(), "previous");
  equal([...before.items.keys()].at(-1), ids[ids.length - 1 - page.items.size], "previous page");
  await refused(page.getNext(), "error:invalid-cursor");
});
await check("events, newest first, of a type", async () => {
  const page = await within(chat.getEvents({ page_size: 2, order: "desc", event_type: "text:*" }), "list");
  const types = [...page.items.values()].map((e) => e.type);
  holds(types.length === 2 && types.every((t) => t.startsWith("text:")), types.join());
  holds(page.hasNext(), "no next page");
  const texts = await within(chat.getEvents({ event_type: "text" }), "list");
  equal([...texts.items.values()].map((e) => e.body.text), ["hello <b>", "hi"], "texts");
  equal(Object.keys(texts.items.get(sent.id).state.delivered_to), [bobMember.id], "state");
});
await check("events, a cursor that is made up refused", () => refused(chat.getEvents({ cursor: "abc" }), "paginator-builder:error:invalid-cursor"));
await check("members", async () => {
  let page = await within(chat.getMembers({ page_size: 1 }), "list");
  const first = [...page.items.values()];
  equal(first.map((m) => [m.user.name, m.state]), [["alice", "JOINED"]], "members");
  page = await within(page.getNext(), "next");
  equal([...page.items.values()].map((m) => m.state), ["LEFT"], "next members");
  page = await within(page.getNext(), "last");
  equal([...page.items.values()].map((m) => m.id), [bobMember.id], "last members");
  holds(!page.hasNext() && page.hasPrev(), "pages");
  const own = await within(chatB.getMyMember(), "own");
  const other = await within(chatB.getMember(aliceMember.id), "other");
  equal([own.id, own.user.name, other.user.name, other.state], [bobMember.id, "bob", "alice", "JOINED"], "member");
});
await check("a member that is not there refused", () => refused(chat.getMember("MEM-none"), "conversation:error:member-not-found"));
await check("conversations", async () => {
  for (const name of ["second", "third"]) await within(alice.newConversationAndJoin({ name }), name);
  let page = await within(alice.getConversations({ page_size: 2, order: "desc" }), "list");
  equal([...page.items.values()].map((c) => [c.name, c.me.state]), [["third", "JOINED"], ["second", "JOINED"]], "conversations");
  page = await within(page.getNext(), "next");
  equal([...page.items.values()].map((c) => [c.name, c.me.id]), [["chat", aliceMember.id]], "next conversations");
  page = await within(bob.getConversations({ state: "INVITED" }), "list");
  equal(page.items.size, 0, "invitations");
});
await check("users", async () => {
  const [own, other] = [await within(alice.getUser(), "own"), await within(alice.getUser(bob.me.id), "other")];
  equal([own.name, other.name, other.id], ["alice", "bob", bob.me.id], "users");
  await refused(alice.getUser("USR-none"), "user:error:not-found");
});
await check("sessions of a user", async () => {
  const c = client();
  await within(c.createSession(server.tokens.bob), "login");
  let page = await within(bob.getUserSessions({ page_size: 1 }), "list");
  equal([...page.items.keys()], [b.session_id], "sessions");
  equal(page.items.get(b.session_id)._embedded.user, { id: bob.me.id, name: "bob" }, "user");
  page = await within(page.getNext(), "next");
  equal([...page.items.keys()], [c.session_id], "next sessions");
  await within(c.deleteSession(), "logout");
  page = await within(bob.getUserSessions(), "list");
  equal([...page.items.keys()], [b.session_id], "sessions after a logout");
});
await check("image", async () => {
  const there = hears(chatB, "image");
  const delivered = hears(chat, "image:delivered");
  await within(chat.sendImage(new Blob([new Uint8Array([1, 2, 3])], { type: "image/png" })), "send");
  const [, got] = await there;
  await delivered;
  for (const size of ["original", "medium", "thumbnail"]) {
    equal(await within(got.fetchImage(size), "fetch"), `data:image/jpeg;base64,${btoa("\x01\x02\x03")}`, size);
  }
  const seen = hears(chat, "image:seen");
  await within(got.seen(), "seen");
  const [, marked] = await seen;
  equal(marked.id, got.id, "seen");
  const removed = hears(chatB, "event:delete");
  await within(chat.events.get(got.id).del(), "delete");
  const [, blank] = await removed;
  equal([blank.id, blank.body.representations], [got.id, ""], "deleted image");
  const fetched = await fetch(got.body.representations.original?.url ?? `${server.api_url}/v1/media/none`, { headers: { Authorization: `Bearer ${server.tokens.bob}` } });
  equal(fetched.status, 404, "the picture");
});
await check("delete an event", async () => {
  const there = hears(chatB, "event:delete", (_, e) => e.id === sent.id);
  await within(chat.events.get(sent.id).del(), "delete");
  const [, marked] = await there;
  equal([marked.body.text, typeof marked.body.timestamp.deleted], ["", "string"], "deleted");
  const page = await within(chat.getEvents({ event_type: "text", page_size: 1 }), "list");
  const listed = page.items.get(sent.id);
  holds(listed.body.text === undefined && listed.body.timestamp.deleted, "listed");
});
await check("delete somebody else's event refused", () => refused(chat.deleteEvent([...chat.events.values()].find((e) => e.body.text === "hi")), "event:error:permission-denied"));

await check("events in spite of holes, duplicates and disorder", async () => {
  const heard = [];
  const last = hears(chatB, "text", (_, e) => heard.push(e.body.text) && e.body.text === "last");
  await ask("disturb", chat.id);
  for (let i = 0; i < 8; i++) await within(chat.sendText(String(i)), "send");
  await ask("clear");
  await within(chat.sendText("last"), "send");
  await last;
  equal(heard, ["0", "1", "2", "3", "4", "5", "6", "7", "last"], "texts");
});
await check("echo and other frames", async () => {
  const error = hears(bob, "system:error:test");
  await ask("frames", "bob");
  await error;
});
await check("change the token", async () => {
  const token = await ask("token", "bob");
  await within(bob.updateToken(token), "change");
  equal(b.config.token, token, "token");
  const own = await within(bob.getUser(), "request");
  equal(own.name, "bob", "user");
});
await check("change the token refused", async () => {
  holds(await bob.updateToken("nonsense").then(() => false, (e) => e.status === 401), "it was changed");
});
await check("reconnect after the client's own cut", async () => {
  const [gone, back] = [hears(b, "disconnect"), hears(b, "reconnect")];
  const heard = hears(chatB, "text", (_, e) => e.body.text === "own cut");
  const delivered = hears(chat, "text:delivered", (_, e) => e.body.text === "own cut");
  b.connection.io.engine.transport.ws.terminate();
  await gone;
  await within(chat.sendText("own cut"), "send");
  await Promise.all([heard, back, delivered]);
});
await check("connect by hand", async () => {
  const c = client();
  const application = await within(c.createSession(server.tokens.bob), "login");
  const view = await within(application.getConversation(chat.id), "get");
  const [id, gone] = [c.session_id, hears(c, "disconnect")];
  c.disconnect();
  equal((await gone)[0], "ClientDisconnected", "reason");
  const heard = hears(view, "text", (_, e) => e.body.text === "while away");
  await within(chat.sendText("while away"), "send");
  c.connect();
  await heard;
  equal(c.session_id, id, "session");
  await within(c.deleteSession(), "logout");
});
for (const how of ["cut", "close"]) {
  await check(`reconnect after a ${how}`, async () => {
    const id = b.session_id;
    const heard = [];
    const last = hears(chatB, "text", (_, e) => heard.push(e.body.text) && e.body.text === `${how} 3`);
    const gone = hears(b, "disconnect");
    const back = hears(b, "reconnect");
    await ask(how, "bob", chat.id, aliceMember.id, how);
    const [reason] = await gone;
    equal(reason, "ConnectionError", "reason");
    await last;
    await back;
    equal(heard, [`${how} 1`, `${how} 2`, `${how} 3`], "texts");
    equal(b.session_id, id, "session");
    const metrics = await ask("metrics");
    equal([metrics.sessionId, metrics.metrics[0].name], [id, "TIME_TO_RECONNECT_SUCCESS"], "metrics");
  });
}
await check("a token that has run out", async () => {
  const gone = hears(b, "disconnect");
  await ask("disconnect", "bob");
  const [reason] = await gone;
  equal(reason, "TokenExpired", "reason");
  const heard = hears(chatB, "text");
  const delivered = hears(chat, "text:delivered");
  await within(chat.sendText("missed"), "send");
  const id = b.session_id;
  await within(bob.updateToken(await ask("token", "bob")), "token");
  b.connect();
  const [, text] = await heard;
  equal([text.body.text, b.session_id], ["missed", id], "resumed");
  await delivered;
});

await check("kick", async () => {
  const [here, there] = [hears(chat, "member:left"), hears(chatB, "member:left")];
  const member = chat.members.get(bobMember.id);
  await within(member.kick({ reason_code: "7", reason_text: "enough" }), "kick");
  for (const [info, event] of [await here, await there]) {
    equal([info.memberId, event.body.reason, event.from], [bobMember.id, { code: "7", text: "enough" }, aliceMember.id], "member:left");
    holds(event.body.timestamp.left, "timestamp");
  }
  holds(await chatB.sendText("x").then(() => false, (e) => e.type === "event:error:not-joined"), "bob still sends");
});
await check("invite again", async () => {
  const invited = hears(bob, "member:invited");
  const member = await within(chat.invite({ user_name: "bob" }), "invite");
  holds(member.id !== bobMember.id, "the same member");
  await invited;
  chatB = bob.conversations.get(chat.id);
  equal(chatB.me.id, member.id, "membership");
  bobMember = await within(chatB.join(), "join");
});
await check("leave", async () => {
  const there = hears(chat, "member:left");
  await within(chatB.leave({ reason_text: "bye" }), "leave");
  const [info] = await there;
  equal(info.memberId, bobMember.id, "who left");
});
await check("invite with audio", async () => {
  const c = await within(alice.newConversationAndJoin({ name: "call" }), "create");
  // Of several applications in a process, the client has calls go to the last.
  const last = client();
  const called = hears(await within(last.createSession(server.tokens.bob), "login"), "member:call");
  await within(c.inviteWithAudio({ user_name: "bob" }), "invite");
  const [member, call] = await called;
  equal([member.user.name, call.conversation.id], ["bob", c.id], "call");
  await within(last.deleteSession(), "logout");
});
await check("delete a conversation", async () => {
  await within(chat.del(), "delete");
  await refused(alice.getConversation(chat.id), "conversation:error:not-found");
});
await check("connectivity", async () => {
  const { connectivityReport } = await within(a.connectivityReport(server.tokens.alice), "report");
  equal(connectivityReport.map((dc) => dc.signalConnectionReport.ws.canConnect), [true], "data centres");
  equal(connectivityReport[0].mediaConnectionReport.map((m) => m.canConnect), [true], "media servers");
});
await check("conversations at login", async () => {
  const c = client();
  c.config.sync = "lite";
  const application = await within(c.createSession(server.tokens.alice), "login");
  holds(application.conversations_page_last.items.size > 1, "no conversations");
  await within(c.deleteSession(), "logout");
});
await check("data centres", async () => {
  const answer = await fetch(`${server.api_url}/v0.3/discovery/api`, { headers: { Authorization: `bearer ${server.tokens.alice}` } });
  const [{ https, ws }] = Object.values(await answer.json());
  equal([https, ws], [server.api_url, server.ws_url], "addresses");
});
await check("logout", async () => {
  const id = a.session_id;
  const answer = await within(a.deleteSession(), "logout");
  equal(answer.type, "session:logged-out", "answer");
  const again = client();
  await within(again.createSession(server.tokens.alice), "login");
  holds(again.session_id !== id, "the same session");
  again.disconnect();
});
await check("a session that is ended", async () => {
  const gone = hears(b, "disconnect");
  await ask("end", "bob");
  await gone;
  const c = client();
  const bobAgain = await within(c.createSession(server.tokens.bob), "login");
  const page = await within(bobAgain.getUserSessions(), "list");
  equal([...page.items.keys()], [c.session_id], "sessions");
  c.disconnect();
});
for (const c of clients) c.connection?.disconnect();
print({ over: true });
process.exit(0);

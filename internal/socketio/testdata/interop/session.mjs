// A service for session_interop_test.go of the SDK. The first argument is how many
// events there are. They come twice, in the wrong order, not at all until the session
// is resumed, and some only when they are asked for over REST; in between comes what
// is no event; the connection ends in every way there is, and a token is refused. The
// first line of output has the port; the second, when the client has logged out, what
// it did.
import { createServer } from "node:http";
import { Server } from "socket.io";

const count = Number(process.argv[2]);
const http = createServer(list);
const io = new Server(http, { path: "/v2/rtc/", transports: ["websocket"], pingInterval: 100, pingTimeout: 5000 });

const session = {
  id: "SES-1",
  next: 1, // the event that happens next
  pending: new Map(), // events that were not acknowledged, by id
  queries: [],
  acknowledged: new Set(),
  ended: 0, // how many connections were
  refused: "", // the token that was
};
const complaints = [];
const complain = (text) => complaints.length < 10 && complaints.push(text);

const endings = [
  (socket) => socket.conn.transport.socket.terminate(),
  (socket) => socket.conn.transport.send([{ type: "close" }]),
  (socket) => socket.disconnect(), // the client is to come back by hand
  (socket) => socket.conn.close(),
];

const event = (id) => ({ id, cid: "CON-1", from: "MEM-1", timestamp: "2026-01-02T03:04:05.678Z", body: { text: `number ${id} ünï😀` } });

// These are neither sent nor pending: whoever misses them has to ask.
const lost = (id) => id % 500 === 250;

function acknowledge(ids) {
  for (const id of ids) {
    session.pending.delete(id);
    session.acknowledged.add(id);
  }
}

// audit watches the acknowledgements of a connection, each of which is asked for and
// comes once.
function audit(conn) {
  const asked = new Map();
  conn.on("packetCreate", ({ type, data }) => {
    const [, id, name] = (type === "message" && /^2(\d+)\["([^"]*)"/.exec(data)) || [];
    if (id) asked.set(id, name);
  });
  conn.on("packet", ({ type, data }) => {
    if (type !== "message" || data[0] !== "3") return;
    const [, id] = /^3(\d+)\[\]$/.exec(data) ?? [];
    if (asked.get(id) === undefined || asked.get(id) === "echo") complain(`${data} was not asked for`);
    asked.delete(id);
  });
  return asked;
}

io.on("connection", (socket) => {
  const { token, EIO, transport, t, ...query } = socket.handshake.query;
  session.queries.push(Object.keys(query).sort().join(" "));
  if (query.session_id !== undefined && query.session_id !== session.id) {
    socket.emit("session:invalid", { body: {} });
    return;
  }
  const asked = audit(socket.conn);
  if (session.ended === 1) session.refused ||= token;
  if (token === session.refused) {
    socket.emit("system:error:expired-token", { body: {} }, () => {});
    return;
  }
  socket.emit("echo", {}, () => {});
  const missed = [...session.pending.values()];
  socket.emit("session:success", {
    body: { id: session.id, user_id: "USR-1", name: "alice", pending_events: missed.map((e) => ({ type: "text", ...e })) },
  }, () => acknowledge(missed.map((e) => e.id)));

  socket.on("session:logout", ({ tid }) => {
    for (const name of asked.values()) if (name !== "echo") complain(`${name} was not acknowledged`);
    socket.on("disconnect", (reason) => {
      const { queries, acknowledged, pending } = session;
      console.log(JSON.stringify({ queries, acknowledged: acknowledged.size, pending: pending.size, reason, complaints }));
    });
    socket.emit("session:logged-out", { rid: tid, body: {} });
  });

  const send = (e) => socket.emit("text", e, () => acknowledge([e.id]));
  const noise = [
    () => socket.emit("echo", {}, () => {}),
    () => socket.emit("system:error:whatever", { body: {} }, () => {}),
    () => socket.emit("session:tomorrow", {}, () => {}),
    () => socket.emit("text:typing:on", { cid: "CON-1", from: "MEM-1", body: { activity: 1 } }, () => {}),
    () => socket.emit("text", () => {}),
    () => socket.emit("text", "no object", { id: 1 }, () => {}),
    () => socket.emit("binary", Buffer.from("x")),
    () => socket.conn.write('2/other,7["text",{"id":1}]'),
  ];
  const end = endings[session.ended];
  const until = end ? Math.floor((count * (session.ended + 1)) / (endings.length + 1)) : count;
  const happen = () => {
    for (let n = 0; n < 20 && session.next <= until; n += 2) {
      const two = [event(session.next), event(session.next + 1)].filter((e) => !lost(e.id));
      session.next += 2;
      noise[(session.next >> 1) % 100]?.();
      for (const e of two) session.pending.set(e.id, e);
      if (two[0].id % 26 === 1 && end) continue; // not sent before the session is resumed
      for (const e of two[0].id % 8 === 1 ? two.reverse() : two) send(e);
      if (two[0].id % 10 === 1) send(two[0]);
    }
    if (session.next <= until) setImmediate(happen);
    else if (end) {
      session.ended++;
      end(socket);
    }
  };
  happen();
});

// list answers what asks for the events of the conversation.
function list(request, response) {
  const { pathname, searchParams } = new URL(request.url, "http://localhost");
  const start = Number(searchParams.get("cursor") ?? searchParams.get("start_id") ?? 1);
  const end = Math.min(start + Number(searchParams.get("page_size") ?? 10), session.next);
  const events = [];
  for (let id = start; id < end; id++) events.push({ type: "text", ...event(id), id: String(id) });
  response.writeHead(pathname === "/v1/conversations/CON-1/events" ? 200 : 404, { "Content-Type": "application/json" });
  response.end(JSON.stringify({
    _embedded: { events },
    _links: end < session.next ? { next: { href: `http://elsewhere.invalid/?page_size=100&cursor=${end}` } } : {},
  }));
}

http.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: http.address().port })));

// The test has ended when its end of the pipe is closed.
process.stdin.resume().on("end", () => process.exit());

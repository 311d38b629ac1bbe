// A realtime session for session_interop_test.go of the SDK. The first argument is
// how many events there are. They come twice, in the wrong order and not at all until
// the session is resumed; the connection ends in every way there is. The first line of
// output has the port; the second, when the client has logged out, what it did.
import { createServer } from "node:http";
import { Server } from "socket.io";

const count = Number(process.argv[2]);
const http = createServer();
const io = new Server(http, { path: "/v2/rtc/", transports: ["websocket"], pingInterval: 100, pingTimeout: 5000 });

const session = {
  id: "SES-1",
  next: 1, // the event that happens next
  pending: new Map(), // events that were not acknowledged, by id
  queries: [],
  acknowledged: new Set(),
};

const endings = [
  (socket) => socket.conn.transport.socket.terminate(),
  (socket) => socket.conn.transport.send([{ type: "close" }]),
  (socket) => socket.conn.close(),
];

const event = (id) => ({ id, cid: "CON-1", from: "MEM-1", timestamp: "2026-01-02T03:04:05.678Z", body: { text: `number ${id} ünï😀` } });

function acknowledge(ids) {
  for (const id of ids) {
    session.pending.delete(id);
    session.acknowledged.add(id);
  }
}

io.on("connection", (socket) => {
  const { token, EIO, transport, t, ...query } = socket.handshake.query;
  session.queries.push(Object.keys(query).sort().join(" "));
  if (query.session_id !== undefined && query.session_id !== session.id) {
    socket.emit("session:invalid", { body: {} });
    return;
  }
  socket.emit("echo", {}, () => { throw new Error("an echo was acknowledged"); });
  const missed = [...session.pending.values()];
  socket.emit("session:success", {
    body: { id: session.id, user_id: "USR-1", name: "alice", pending_events: missed.map((e) => ({ type: "text", ...e })) },
  }, () => acknowledge(missed.map((e) => e.id)));

  socket.on("session:logout", ({ tid }) => {
    socket.on("disconnect", (reason) => {
      const { queries, acknowledged, pending } = session;
      console.log(JSON.stringify({ queries, acknowledged: acknowledged.size, pending: pending.size, reason }));
    });
    socket.emit("session:logged-out", { rid: tid, body: {} });
  });

  const send = (e) => socket.emit("text", e, () => acknowledge([e.id]));
  const end = endings[session.queries.length - 1];
  const until = end ? Math.floor((count * session.queries.length) / (endings.length + 1)) : count;
  const happen = () => {
    for (let n = 0; n < 20 && session.next <= until; n += 2) {
      const two = [event(session.next), event(session.next + 1)];
      session.next += 2;
      for (const e of two) session.pending.set(e.id, e);
      if (two[0].id % 26 === 1 && end) continue; // not sent before the session is resumed
      for (const e of two[0].id % 8 === 1 ? two.reverse() : two) send(e);
      if (two[0].id % 10 === 1) send(two[0]);
    }
    if (session.next <= until) setImmediate(happen);
    else if (end) end(socket);
  };
  happen();
});

http.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: http.address().port })));

// The test has ended when its end of the pipe is closed.
process.stdin.resume().on("end", () => process.exit());

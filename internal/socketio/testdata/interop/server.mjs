// Servers of Socket.IO for interop_test.go, which picks what they do to it with the
// query parameter "scenario". The first line of output has their ports. Each end of
// a connection is a line with the scenario and the reason.
import { createServer } from "node:http";
import { Server } from "socket.io";

const scenarios = {
  // Events for two clients in turn: the numbers that each sees have holes. Both are
  // told when all are acknowledged.
  acks: together(2, (sockets) => {
    let acknowledged = 0;
    for (let n = 0; n < 20; n++) {
      for (const socket of sockets) {
        socket.emit("text", { n, text: "ünï €😀 \"]}" }, () => {
          if (++acknowledged === 40) {
            for (const s of sockets) s.emit("done", { acknowledged });
          }
        });
      }
    }
  }),

  answers(socket) {
    socket.on("session:logout", (request) => socket.emit("session:logged-out", { rid: request.tid }));
    socket.on("large", (data) => socket.emit("length", { n: data.length }));
    socket.on("please", (data) => socket.emit("large", { text: "x".repeat(data.n) }));
  },

  leaves(socket) { socket.disconnect(); },
  disconnects(socket) { socket.disconnect(true); },
  "closes the engine"(socket) { socket.conn.transport.send([{ type: "close" }]); },
  "closes the websocket"(socket) { socket.conn.close(); },
  cuts(socket) { socket.conn.transport.socket.terminate(); },

  // The client stays for some pings and is then told.
  pings(socket) {
    let pongs = 0;
    socket.conn.on("heartbeat", () => {
      if (++pongs === 5) socket.emit("done", { pongs });
    });
  },

  silence(socket) {
    clearTimeout(socket.conn.pingIntervalTimer);
    socket.conn.pingIntervalTimer.refresh = () => {}; // a pong would start it again
  },

  // What the client has to pass over, and then an event.
  ignored(socket) {
    socket.emit("binary", { data: Buffer.from("abc") });
    socket.conn.send(Buffer.from("abc"));
    socket.conn.send('2/other,7["a",{}]');
    socket.conn.transport.send([{ type: "noop" }]);
    socket.emit("several", { n: 1 }, 2, [3]);
  },
};

function together(count, act) {
  let waiting = [];
  return (socket) => {
    waiting.push(socket);
    if (waiting.length === count) {
      act(waiting);
      waiting = [];
    }
  };
}

async function listen(options) {
  const http = createServer();
  const io = new Server(http, { path: "/v2/rtc/", transports: ["websocket"], ...options });
  io.use((socket, next) => {
    const { token } = socket.handshake.query;
    const error = new Error(`bad token ${token}`);
    error.data = { code: 401 };
    next(token === "good" ? undefined : error);
  });
  io.on("connection", (socket) => {
    const { scenario } = socket.handshake.query;
    socket.on("disconnect", (reason) => console.log(JSON.stringify({ scenario, reason })));
    scenarios[scenario](socket);
  });
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  return http.address().port;
}

console.log(JSON.stringify({
  usual: await listen({}),
  lively: await listen({ pingInterval: 50, pingTimeout: 30000 }),
  impatient: await listen({ pingInterval: 50, pingTimeout: 250 }),
}));

// The test has ended when its end of the pipe is closed.
process.stdin.resume().on("end", () => process.exit());

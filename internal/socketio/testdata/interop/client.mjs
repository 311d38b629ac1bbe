// Clients of Socket.IO for interop_test.go: connects to the server given as the
// argument, once for each scenario, and prints what it saw of each as a line.
import { io } from "socket.io-client";

const url = process.argv[2];

// connect returns a client and the record of what happens to it. It is done at the
// first of the given signs, or at the disconnect if there are none.
function connect(scenario, reconnection, done) {
  const socket = io(url, {
    path: "/v2/rtc", transports: ["websocket"], query: { scenario, token: "good" },
    forceNew: true, reconnection, reconnectionDelay: 10, reconnectionDelayMax: 10,
  });
  const saw = [];
  return new Promise((resolve) => {
    const note = (...what) => {
      saw.push(what);
      if (what[0] === done) {
        resolve(saw);
        socket.close();
      }
    };
    socket.on("connect", () => note("connect"));
    socket.on("disconnect", (reason) => note("disconnect", reason));
    socket.on("connect_error", (error) => note("connect_error", error.message));
    socket.onAny((name, data, ack) => {
      note(name, data);
      if (typeof ack === "function") ack({ got: data.n });
    });
    let pings = 0;
    socket.io.on("ping", () => ++pings === 5 && note("five pings"));
    if (scenario === "request") {
      socket.emit("question", { tid: "ä" }, (answer) => note("answer", answer));
    }
  });
}

for (const [scenario, reconnection, done] of [
  ["events", false, "disconnect"],
  ["request", false, "answer"],
  ["pings", false, "five pings"],
  ["disconnects", true, "disconnect"],
  ["closes", false, "disconnect"],
  ["cuts", false, "disconnect"],
  ["refuses", false, "connect_error"],
  ["comes back", true, "welcome back"],
]) {
  const saw = await connect(scenario, reconnection, done);
  console.log(JSON.stringify({ scenario, saw }));
}

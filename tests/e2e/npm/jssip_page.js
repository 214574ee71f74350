// A page that telephones by JsSIP, over SIP in a WebSocket, for the test to drive.
"use strict";

const page = { ua: null, session: null, states: [], keys: [] };

function note(source, names) {
  for (const name of names) {
    source.on(name, (event) => page.states.push({ name, cause: event?.cause ?? null }));
  }
}

// Calls `target` as `uri`, who proves by `password` to be that.
function call({ socket, uri, password, target }) {
  page.ua = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(socket)], uri, password, register: true,
  });
  note(page.ua, ["connected", "registered", "registrationFailed"]);
  page.ua.on("registered", () => dial(target));
  page.ua.start();
}

function dial(target) {
  if (page.session !== null) return;
  page.session = page.ua.call(target, {
    mediaConstraints: { audio: true, video: false },
    pcConfig: { iceServers: [] },
  });
  page.session.connection.addEventListener("track", ({ streams }) => play(streams[0]));
  note(page.session, ["progress", "accepted", "confirmed", "failed", "ended"]);
}

// Chromium gives the sound of a peer to nobody else before something plays it.
function play(stream) {
  const element = new Audio();
  element.srcObject = stream;
  element.play();
}

// `way` is RFC2833 or INFO.
function press(key, way) { page.session.sendDTMF(key, { transportType: way }); }

// Unregisters, and leaves the server.
function leave() { page.ua.stop(); }

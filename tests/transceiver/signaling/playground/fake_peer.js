/* Stands in for the browser's WebRTC stack: tests speak for the server through window.fakePeer. */
(() => {
  class FakeChannel extends EventTarget {
    readyState = "connecting";
    sent = [];
    send(text) { this.sent.push(text); }
  }

  class FakePeer extends EventTarget {
    connectionState = "new";
    iceConnectionState = "new";
    #senders = [];

    constructor() {
      super();
      window.fakePeer = this;
    }

    addTrack(track) {
      const sender = { track, replaceTrack: async (other) => { sender.track = other; } };
      this.#senders.push(sender);
    }
    getSenders() { return this.#senders; }
    createDataChannel(label) {
      this.channel = new FakeChannel();
      this.channel.label = label;
      return this.channel;
    }
    async createOffer() { return { type: "offer", sdp: window.fakeOffer }; }
    async setLocalDescription() {}
    async setRemoteDescription(description) { this.answer = description; }
    async getStats() { return new Map(Object.entries(window.fakeStats ?? {})); }
    close() { this.connectionState = "closed"; }

    connect() {
      this.become("connected");
      this.channel.readyState = "open";
      this.channel.dispatchEvent(new Event("open"));
    }
    become(state) {
      this.connectionState = this.iceConnectionState = state;
      this.dispatchEvent(new Event("connectionstatechange"));
    }
    receive(event) {
      this.channel.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(event) }));
    }
  }

  window.RTCPeerConnection = FakePeer;
})();

// Runs before the page's own code: notes what its call receives, without its help.
(() => {
  const observed = { events: [], levels: [], connection: "new", peer: null, channel: null };
  window.observed = observed;

  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      observed.peer = this;
      this.addEventListener("track", ({ track }) => listen(new MediaStream([track])));
      this.addEventListener("connectionstatechange", () => {
        observed.connection = this.connectionState;
      });
    }

    createDataChannel(...args) {
      const channel = super.createDataChannel(...args);
      observed.channel = channel;
      channel.addEventListener("message", ({ data }) =>
        observed.events.push({ at: performance.now() / 1000, event: JSON.parse(data) }));
      return channel;
    }
  };

  // What is tested is the way there and back, not the browser's improvements of sound.
  const media = navigator.mediaDevices;
  const getUserMedia = media.getUserMedia.bind(media);
  media.getUserMedia = () => getUserMedia({
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  });

  // By the page's clock, as events are: the audio context's own runs unevenly without a device.
  function listen(stream) {
    const context = new AudioContext();
    const processor = context.createScriptProcessor(256, 1, 1);
    processor.addEventListener("audioprocess", ({ inputBuffer }) => {
      const samples = inputBuffer.getChannelData(0);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      const decibels = 10 * Math.log10(Math.max(power, 1e-12));
      observed.levels.push([performance.now() / 1000, decibels]);
    });
    context.createMediaStreamSource(stream).connect(processor);
    processor.connect(context.destination);
  }
})();

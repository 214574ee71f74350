// Runs before the page's own code: notes what its call receives, without its help.
(() => {
  const observed = { events: [], levels: [], connection: "new" };
  window.observed = observed;

  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      this.addEventListener("track", ({ track }) => listen(new MediaStream([track])));
      this.addEventListener("connectionstatechange", () => {
        observed.connection = this.connectionState;
      });
    }

    createDataChannel(...args) {
      const channel = super.createDataChannel(...args);
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

  // One level a block of samples, so that a busy page loses none and shifts none.
  const BLOCK = 256;
  function listen(stream) {
    const context = new AudioContext();
    const processor = context.createScriptProcessor(BLOCK, 1, 1);
    let blocks = 0;
    processor.addEventListener("audioprocess", ({ inputBuffer }) => {
      const samples = inputBuffer.getChannelData(0);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      observed.stepSeconds = BLOCK / context.sampleRate;
      observed.levels.push(10 * Math.log10(Math.max(power, 1e-12)));
      // When the block was heard by this page, to compare it with events.
      observed.heardAt = performance.now() / 1000;
      blocks += 1;
    });
    context.createMediaStreamSource(stream).connect(processor);
    processor.connect(context.destination);
  }
})();

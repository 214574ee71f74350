/** What getStats() of a peer connection tells, by the names of Statistics. */

export async function readPeerFigures(peer) {
  const report = await peer.getStats();
  const { transport, pair, remote, inbound, reception } = pick(report);
  return {
    iceState: peer.iceConnectionState,
    dtlsState: transport?.dtlsState,
    remoteAddress: remote && `${bracketed(remote.address ?? remote.ip)}:${remote.port} ${remote.protocol}`,
    rttS: pair?.currentRoundTripTime,
    jitterS: inbound?.jitter,
    lossDown: inbound && Math.max(0, inbound.packetsLost) / (inbound.packetsLost + inbound.packetsReceived),
    lossUp: reception?.fractionLost,
    timestamp: transport?.timestamp,
    bytesReceived: transport?.bytesReceived,
    bytesSent: transport?.bytesSent,
  };
}

/** The reports that matter here, of a browser's many. */
function pick(report) {
  const all = [...report.values()];
  const transport = all.find(({ type }) => type === "transport");
  const pair = report.get(transport?.selectedCandidatePairId)
    ?? all.find(({ type, nominated, state }) => type === "candidate-pair" && nominated && state === "succeeded");
  return {
    transport,
    pair,
    remote: report.get(pair?.remoteCandidateId),
    inbound: all.find(({ type, kind }) => type === "inbound-rtp" && kind === "audio"),
    reception: all.find(({ type, kind }) => type === "remote-inbound-rtp" && kind === "audio"),
  };
}

function bracketed(host) {
  return host?.includes(":") ? `[${host}]` : host;
}

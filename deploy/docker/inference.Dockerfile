# The inference tier. The last stage is for CPUs, with the embedded voice and for model servers
# by URL; the target `gpu` has torch, for the native engine.
#
#   docker build -f deploy/docker/inference.Dockerfile -t antiphon/inference .
#   docker build -f deploy/docker/inference.Dockerfile -t antiphon/inference:gpu --target gpu .
#
# Run it with --read-only and a tmpfs at /tmp.
ARG DEBIAN=debian:bookworm-slim

FROM ${DEBIAN} AS requirements
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 python3-pip \
    && python3 -m venv --without-pip /opt/antiphon
WORKDIR /src
ENV PIP_CONSTRAINT=/src/constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY constraints.txt pyproject.toml ./
COPY deploy/docker/requirements.py deploy/docker/
# Before our own sources, so that a change to these installs nothing else anew. silero-vad's
# wheel requires torch; its ONNX file, all that is used of it, does not.
RUN python3 deploy/docker/requirements.py inference tracing > requirements.txt \
    && python3 -m pip --python /opt/antiphon/bin/python install -r requirements.txt \
    && python3 -m pip --python /opt/antiphon/bin/python install --no-deps silero-vad

FROM requirements AS wheel
COPY README.md LICENSE ./
COPY antiphon antiphon
COPY chassis chassis
COPY relay relay
COPY transceiver transceiver
COPY inference inference
COPY loadtest loadtest
COPY proto proto
RUN python3 -m pip wheel --no-deps --wheel-dir dist .

FROM requirements AS build
COPY --from=wheel /src/dist dist
RUN python3 -m pip --python /opt/antiphon/bin/python install --no-deps dist/*.whl

FROM requirements AS build-gpu
# moshi pins an older torch than the one that it works with.
RUN python3 deploy/docker/requirements.py native > requirements.txt \
    && python3 -m pip --python /opt/antiphon/bin/python install -r requirements.txt \
    && python3 -m pip --python /opt/antiphon/bin/python install --no-deps moshi
COPY --from=wheel /src/dist dist
RUN python3 -m pip --python /opt/antiphon/bin/python install --no-deps dist/*.whl

FROM ${DEBIAN} AS runtime
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* \
    && install -d -o 65532 -g 65532 -m 0700 /etc/antiphon
# What lies in /tmp is no module, even where it has one's name.
ENV PATH=/opt/antiphon/bin:/usr/local/bin:/usr/bin:/bin HOME=/tmp PYTHONUNBUFFERED=1 PYTHONSAFEPATH=1
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="Antiphon inference" \
      org.opencontainers.image.description="Hears, answers and speaks: the models' side of Antiphon" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER 65532:65532
WORKDIR /tmp
EXPOSE 50051/tcp 8082/tcp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python", "-m", "chassis.healthcheck", "8082"]
CMD ["python", "-m", "inference"]

FROM runtime AS gpu
# torch brings CUDA along; the host's container runtime adds the driver.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=build-gpu /opt/antiphon /opt/antiphon

FROM runtime AS cpu
COPY --from=build /opt/antiphon /opt/antiphon

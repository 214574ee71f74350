# The load harness: places calls and measures what comes of them. No torch.
#
#   docker build -f deploy/docker/loadtest.Dockerfile -t antiphon/loadtest .
#
#   docker run --rm --read-only --tmpfs /tmp antiphon/loadtest antiphon-loadtest scenarios
#
# It writes reports to the directory that it is told, and nothing else.
ARG DEBIAN=debian:bookworm-slim

FROM ${DEBIAN} AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 python3-pip \
    && python3 -m venv --without-pip /opt/antiphon
WORKDIR /src
ENV PIP_CONSTRAINT=/src/constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY constraints.txt pyproject.toml ./
COPY deploy/docker/requirements.py deploy/docker/
# Before our own sources, so that a change to these installs nothing else anew.
RUN python3 deploy/docker/requirements.py loadtest > requirements.txt \
    && python3 -m pip --python /opt/antiphon/bin/python install -r requirements.txt \
    && rm -rf /opt/antiphon/lib/python3*/site-packages/numba/tests
COPY README.md LICENSE ./
COPY antiphon antiphon
COPY chassis chassis
COPY relay relay
COPY transceiver transceiver
COPY inference inference
COPY loadtest loadtest
COPY proto proto
RUN python3 -m pip wheel --no-deps --wheel-dir dist . \
    && python3 -m pip --python /opt/antiphon/bin/python install --no-deps dist/*.whl
# Outside of the sources, which would be imported in the place of what is installed. The code
# is for any processor of the architecture, and is found beside the package when this runs.
WORKDIR /
RUN /opt/antiphon/bin/python -c 'from loadtest.precompile import precompile; precompile()'

FROM ${DEBIAN}
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* \
    && install -d -o 65532 -g 65532 -m 0700 /etc/antiphon
COPY --from=build /opt/antiphon /opt/antiphon
# What lies in /tmp is no module, even where it has one's name.
ENV PATH=/opt/antiphon/bin:/usr/local/bin:/usr/bin:/bin HOME=/tmp PYTHONUNBUFFERED=1 PYTHONSAFEPATH=1
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="Antiphon load harness" \
      org.opencontainers.image.description="Places calls by the thousand, and says how many a deployment holds with every frame on schedule" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER 65532:65532
WORKDIR /tmp
EXPOSE 7700/tcp
STOPSIGNAL SIGTERM
CMD ["antiphon-loadtest", "scenarios"]

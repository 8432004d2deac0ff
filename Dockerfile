# One image for all services; each by its command:
#
#   docker build -t vice-registry .
#   docker run … vice-registry node dist/apps/<gateway|registry|import-worker|export-worker|store-worker>/main.js
#
# It keeps nothing outside /data and /tmp, so that it runs with --read-only --tmpfs /tmp. linux/amd64: the disks it makes of containers boot on that.
#
# What is there is not fetched. So it builds without a network on a BASE_IMAGE, Debian 12 or 13 with Node, on which scripts/install-tools.sh has run
# and tini is installed, and with the dependencies in vendor/node_modules, as `npm ci` makes them on such a system.
ARG BASE_IMAGE=node:24-bookworm-slim

FROM ${BASE_IMAGE} AS dependencies
WORKDIR /app
# there may be no vendor/: a pattern need not match
COPY package.json package-lock.json vendo[r] ./
RUN [ -e node_modules/.package-lock.json ] || npm ci --ignore-scripts --no-audit --no-fund

FROM dependencies AS build
COPY LICENSE nest-cli.json tsconfig.json tsconfig.build.json ./
COPY scripts/prepare.mjs scripts/build.mjs scripts/keep-production.mjs scripts/
COPY libs libs
COPY apps apps
RUN node scripts/build.mjs && node scripts/keep-production.mjs

FROM ${BASE_IMAGE}
COPY scripts/debian-packages.sh scripts/install-tools.sh scripts/guest-kernel.sh /usr/local/lib/vice-install/
RUN bash -c '. /usr/local/lib/vice-install/debian-packages.sh && install_missing tini' \
  && /usr/local/lib/vice-install/install-tools.sh \
  && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
RUN groupadd --gid 10001 vice \
  && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin vice \
  && install -d -o 10001 -g 10001 -m 750 /data
WORKDIR /app
COPY --from=build /app/LICENSE /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist/apps dist/apps
COPY --from=build /app/dist/libs dist/libs

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ViCE Image Registry" \
  org.opencontainers.image.description="Import virtual environments from one place, keep them verified, deploy them to another" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"

ENV NODE_ENV=production NODE_OPTIONS=--enable-source-maps VICE_DATA_DIR=/data
USER 10001:10001
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
# not by Node: to start another one every few seconds is much for a question, and on a busy machine it would be too late
HEALTHCHECK --interval=5s --timeout=10s --start-period=300s --retries=5 \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${PORT:-8080} && printf 'GET /health/live HTTP/1.0\\r\\n\\r\\n' >&3 && read -t 9 -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["node", "dist/apps/gateway/main.js"]

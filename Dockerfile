# An image of Tessera: `docker build .`; for NVIDIA GPUs: `docker build --target cuda .` (docs/image.md).
# The base is any image with Node.js 20.19, 22.12 or 24 and glibc, from whatever registry you use.
ARG NODE_IMAGE=node:22-bookworm-slim

# hadolint ignore=DL3006
FROM ${NODE_IMAGE} AS package
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm pack --pack-destination /tmp && mv /tmp/tessera-train-*.tgz /tmp/tessera.tgz

# hadolint ignore=DL3006
FROM ${NODE_IMAGE} AS install
COPY --from=package /tmp/tessera.tgz /tmp/tessera.tgz
# What other systems and processors run stays out.
RUN npm install --global --prefix /opt/tessera --no-audit --no-fund /tmp/tessera.tgz
WORKDIR /opt/tessera/lib/node_modules/tessera-train/dist/node_modules/onnxruntime-node/bin
RUN find . -mindepth 2 -maxdepth 2 ! -name linux -exec rm -r {} + \
  && find . -mindepth 3 -maxdepth 3 ! -name "$(node -p process.arch)" -exec rm -r {} +

# hadolint ignore=DL3006
FROM ${NODE_IMAGE} AS tessera
COPY --from=install /opt/tessera /opt/tessera
# Any user may run it; only /work is written to, so the root file system may be read-only.
RUN mkdir --mode=0777 /work
ENV PATH=/opt/tessera/bin:$PATH \
    XDG_CACHE_HOME=/work/.cache \
    TESSERA_ENGINES=/opt/tessera/engines
WORKDIR /work
USER 10001:10001
# Whether the first process runs: not stopped, not a zombie. What it serves is known to the command only (docs/image.md).
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["grep", "-q", "^State:[[:space:]][RSD]", "/proc/1/status"]
ENTRYPOINT ["tessera"]
CMD ["--help"]

# With XLA for NVIDIA: the wheels have CUDA's libraries, the host's container runtime brings the driver.
FROM tessera AS cuda
ARG ENGINE=xla-cuda13
# hadolint ignore=DL3002
USER 0:0
RUN tessera engines add "$ENGINE" --yes
USER 10001:10001
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

# The default.
FROM tessera

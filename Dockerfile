# Three images, one target each:
#   operator      the operator and the gateways, no TensorFlow in it
#   trainer       training, evaluation and serving on CPUs
#   trainer-gpu   the same on CUDA
#
# A release pins the base: --build-arg NODE_IMAGE=docker.io/library/node:24-bookworm-slim@sha256:…
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim

# ---- what runs, of npm: no tests, no tools
FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional

FROM dependencies AS dependencies-without-tensorflow
RUN npm uninstall --no-save --omit=dev --omit=optional \
      @tensorflow/tfjs @tensorflow/tfjs-backend-wasm @tensorflow/tfjs-node-gpu \
 && rmdir node_modules/@tensorflow

# ---- the native backend, compiled against the TensorFlow of the Python wheel
FROM ${NODE_IMAGE} AS native-tools
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-pip unzip g++ \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# With the optional platform package: it brings Node's own C headers.
RUN npm ci --omit=dev
COPY tools tools
COPY src/model/native-location.ts src/model/native-location.ts

FROM native-tools AS native-cpu
RUN EVENKEEL_CACHE=/opt/cache node_modules/.bin/node tools/native.ts \
 && mkdir /opt/native \
 && mv /opt/cache/native-*/* /opt/native/

FROM native-tools AS native-gpu
ARG TENSORFLOW=2.21.0
# What is kept is libtensorflow and NVIDIA's libraries, which it looks for beside itself.
RUN python3 -m pip install --no-cache-dir --disable-pip-version-check --target /opt/python "tensorflow[and-cuda]==${TENSORFLOW}" \
 && mkdir -p /opt/tensorflow/tensorflow \
 && mv /opt/python/nvidia /opt/tensorflow/nvidia \
 && cp /opt/python/tensorflow/libtensorflow_cc.so.2 /opt/python/tensorflow/libtensorflow_framework.so.2 /opt/tensorflow/tensorflow/ \
 && node_modules/.bin/node tools/native.ts --tensorflow /opt/python/tensorflow --run-path /opt/tensorflow/tensorflow --out /opt/native/tfjs_binding.node

# ---- images
FROM ${NODE_IMAGE} AS base
LABEL org.opencontainers.image.title="evenkeel" \
      org.opencontainers.image.description="Keeps embedding services on an even keel" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production
WORKDIR /app
COPY LICENSE package.json ./
COPY src src
# A number, so that runAsNonRoot can be checked. Nothing is written but below /tmp, which may be an emptyDir.
USER 65532:65532
ENTRYPOINT ["node", "/app/src/main.ts"]
CMD ["--help"]

FROM base AS trainer
LABEL org.opencontainers.image.title="evenkeel trainer"
COPY --from=dependencies /app/node_modules node_modules
COPY --from=native-cpu /opt/native /opt/native
ENV EVENKEEL_NATIVE=/opt/native/tfjs_binding.node
CMD ["train"]

FROM base AS trainer-gpu
LABEL org.opencontainers.image.title="evenkeel trainer (CUDA)"
COPY --from=dependencies /app/node_modules node_modules
COPY --from=native-gpu /opt/tensorflow /opt/tensorflow
COPY --from=native-gpu /opt/native /opt/native
# NVIDIA's container runtime mounts the driver where these say so.
ENV EVENKEEL_NATIVE=/opt/native/tfjs_binding.node \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
CMD ["train"]

# The last one: what is built when no target is named.
FROM base AS operator
COPY --from=dependencies-without-tensorflow /app/node_modules node_modules
CMD ["operator"]

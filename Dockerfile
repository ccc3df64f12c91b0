# One image for every role: `serve` (the default), `worker`, `web`, `demo-model` and the operator's commands.
# Node 24 from Debian; another base with `--build-arg BASE_IMAGE=…` must have node, npm and a user `node`.
ARG BASE_IMAGE=node:24-bookworm-slim

FROM ${BASE_IMAGE} AS deps
WORKDIR /app
COPY package.json package-lock.json ./
COPY client/package.json client/
RUN npm ci --no-audit --no-fund

FROM deps AS build
# .dockerignore lets in what the build needs and nothing else.
COPY . .
# Not `npm run build`: npm would put the dev dependency `node` before the Node of the image.
RUN node scripts/build.mjs

FROM ${BASE_IMAGE} AS production-deps
WORKDIR /app
COPY package.json package-lock.json ./
COPY client/package.json client/
RUN npm ci --omit=dev --workspaces=false --no-audit --no-fund

FROM ${BASE_IMAGE} AS runtime
LABEL org.opencontainers.image.title="Turnwise" \
      org.opencontainers.image.description="A self-hosted conversation server" \
      org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production \
    HOST=0.0.0.0
WORKDIR /app
EXPOSE 8000 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["node", "ops/healthcheck.mjs"]
ENTRYPOINT ["node", "dist/main.js"]
CMD ["serve"]
USER node
# What is copied belongs to root, and nothing is written at run time: the root filesystem may be read-only.
COPY --from=production-deps /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/web/dist web/dist
COPY ops/healthcheck.mjs ops/
COPY package.json LICENSE ./

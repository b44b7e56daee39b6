# The image of the product: Node 24, three bundles and the files of the page /docs, nothing else.
#   node /app/operator.mjs              the operator (default)
#   node /app/dataservice.mjs <role>    the data plane
#   node /app/mirror.mjs <task>         backups to and from an object store
# `npm run bundle` makes the bundles, and `npm run images` does both; the build needs nothing but its base.
# No command runs during the build, and no shell is needed when it runs, so the base may be as bare as you like
# as long as it has a Node 24 at /usr/local/bin/node.
ARG BASE=docker.io/library/node:24-slim
FROM ${BASE}

LABEL org.opencontainers.image.title="dataservice-operator" \
      org.opencontainers.image.description="One DataService resource is a complete event-driven data service on Kubernetes." \
      org.opencontainers.image.licenses="Apache-2.0"

COPY dist/*.mjs /app/
COPY dist/docs /app/docs

ENV NODE_ENV=production
WORKDIR /app
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/node"]
CMD ["/app/operator.mjs"]

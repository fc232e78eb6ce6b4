# The server and an agent in one image. `scripts/image` makes what is copied here, and builds it:
# with the package index of the machine, so that no layer needs a network or holds its keys.
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE}

RUN if ! command -v git >/dev/null; then \
        apt-get update -qq && \
        apt-get install -y -qq --no-install-recommends git ca-certificates && \
        rm -rf /var/lib/apt/lists/*; \
    fi && \
    useradd --create-home --uid 1000 taskyard && \
    install -d -o taskyard /data
COPY site /opt/taskyard

ENV PYTHONPATH=/opt/taskyard \
    TASKYARD_SERVER_DATA=/data/server \
    TASKYARD_SERVER_HOST=0.0.0.0 \
    TASKYARD_AGENT_DATA=/data/agent \
    TASKYARD_CONFIG=/data/server/client.toml
USER taskyard
VOLUME /data
EXPOSE 8008
ENTRYPOINT ["python3", "-m", "taskyard"]
CMD ["up", "--no-agent"]

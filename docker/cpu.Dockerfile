# One engine on the CPU. `make image ENGINE=theano` gives every ARG below, the labels
# and, as secrets, what the host tells pip and apt; where packages can be had without
# being told anything, it builds without secrets too.

# Any Debian 12. (A `# syntax` line at the top would be one more image to pull.)
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS builder
ENV APT_CONFIG=/run/secrets/apt DEBIAN_FRONTEND=noninteractive
RUN --mount=type=secret,id=apt,mode=0444 \
    --mount=type=secret,id=certificates,mode=0444 \
    apt-get -qq update && \
    apt-get -qq install --yes --no-install-recommends python3-venv >/dev/null
WORKDIR /build
# The program that builds the local environments, with the same locks.
COPY tools tools
COPY requirements/build requirements/build
ARG ENGINE
COPY requirements/${ENGINE}.txt requirements/
# The cache lies with the engine, outside of every image; one cannot link out of it.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=certificates \
    --mount=type=cache,target=/root/.cache \
    UV_LINK_MODE=copy python3 tools/env.py "${ENGINE}" && mv ".envs/${ENGINE}" /opt/env

FROM ${BASE}
ARG ENGINE
# docker/packages/ says what an engine needs of Debian as it runs, if it needs anything
# (a compiler: Theano, and on a GPU the Triton under PyTorch).
RUN --mount=type=secret,id=apt,mode=0444 \
    --mount=type=secret,id=certificates,mode=0444 \
    --mount=type=bind,source=docker/packages,target=/packages \
    export APT_CONFIG=/run/secrets/apt DEBIAN_FRONTEND=noninteractive && \
    apt-get -qq update && \
    apt-get -qq install --yes --no-install-recommends \
        python3 $(cat "/packages/${ENGINE}-cpu" 2>/dev/null) >/dev/null && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
# A named volume takes the owner of the folder that it is first mounted on: /cache.
RUN useradd --uid 1000 --home-dir /cache --no-create-home histocnn && \
    install -d /data && install -d -o histocnn -g histocnn /cache
COPY --from=builder /opt/env /opt/env
WORKDIR /opt/histocnn
ENV PYTHONPATH=/opt/histocnn
ENTRYPOINT ["/opt/env/bin/python", "-m", "histocnn.worker"]

# What changes most comes last: new code makes these layers anew and no other. Bytecode
# now, since nothing can be written later; and a checkout may be its owner's alone.
COPY histocnn histocnn
RUN /opt/env/bin/python -m compileall -q histocnn && chmod -R a+rX histocnn
USER histocnn

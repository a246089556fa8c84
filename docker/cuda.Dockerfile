# One engine on an NVIDIA GPU: `make image ENGINE=theano DEVICE=cuda`. cpu.Dockerfile
# explains what the two share; here are the reasons for the rest. CUDA's libraries come
# as packages of the lock, the driver's own library from the host when a container
# starts: no vendor's base image is needed.

ARG BASE=debian:bookworm-slim

FROM ${BASE} AS builder
ENV APT_CONFIG=/run/secrets/apt DEBIAN_FRONTEND=noninteractive
RUN --mount=type=secret,id=apt,mode=0444 \
    --mount=type=secret,id=certificates,mode=0444 \
    apt-get -qq update && \
    apt-get -qq install --yes --no-install-recommends python3-venv >/dev/null
WORKDIR /build
ARG ENGINE
# docker/packages/ENGINE-cuda.unpacked names what is taken of Debian without being
# installed, if there is such a file. Theano's libgpuarray and pygpu ask for OpenCL, which
# is not used, and for Debian's NumPy, which would come before the lock's.
RUN --mount=type=secret,id=apt,mode=0444 \
    --mount=type=secret,id=certificates,mode=0444 \
    --mount=type=bind,source=docker/packages,target=/packages \
    install -d unpacked && cd unpacked && list="/packages/${ENGINE}-cuda.unpacked" && \
    if test -e "$list"; then \
        apt-get -qq download $(cat "$list") && \
        for package in *.deb; do dpkg --extract "$package" . || exit 1; done && \
        rm -- *.deb; \
    fi
COPY tools tools
COPY requirements/build requirements/build
COPY requirements/${ENGINE}-cuda.txt requirements/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=certificates \
    --mount=type=cache,target=/root/.cache \
    UV_LINK_MODE=copy python3 tools/env.py "${ENGINE}-cuda" && \
    mv ".envs/${ENGINE}-cuda" /opt/env
# What was unpacked moves to where Python, the compiler and the loader look. It was built
# without the lock's CUDA, and libgpuarray looks for libnvrtc.so and libcublas.so; the
# packages number theirs. What comes as packages alone finds its libraries by itself.
RUN install -d local/lib && \
    if test -d unpacked/usr; then \
        packages=/opt/env/lib/python3.11/site-packages && \
        for module in unpacked/usr/lib/python3/dist-packages/*; do \
            cp -r "$module" "$packages" && \
            /opt/env/bin/python -m compileall -q "$packages/${module##*/}" || exit 1; \
        done && \
        cp -r unpacked/usr/include local && \
        cp -P unpacked/usr/lib/lib*.so* local/lib && \
        for library in "$packages"/nvidia/*/lib/lib*.so.*; do \
            name=${library##*/} && ln -s "$library" "local/lib/$name" && \
            ln -s "$name" "local/lib/${name%%.so.*}.so" || exit 1; \
        done; \
    fi

FROM ${BASE}
ARG ENGINE
RUN --mount=type=secret,id=apt,mode=0444 \
    --mount=type=secret,id=certificates,mode=0444 \
    --mount=type=bind,source=docker/packages,target=/packages \
    export APT_CONFIG=/run/secrets/apt DEBIAN_FRONTEND=noninteractive && \
    apt-get -qq update && \
    apt-get -qq install --yes --no-install-recommends \
        python3 $(cat "/packages/${ENGINE}-cuda" 2>/dev/null) >/dev/null && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
RUN useradd --uid 1000 --home-dir /cache --no-create-home histocnn && \
    install -d /data && install -d -o histocnn -g histocnn /cache
COPY --from=builder /opt/env /opt/env
# /usr/local is where both the compiler and the loader look.
COPY --from=builder /build/local /usr/local
RUN ldconfig
WORKDIR /opt/histocnn
# The NVIDIA runtime reads these two: the GPUs that the container was given, and of the
# driver only what computes.
ENV PYTHONPATH=/opt/histocnn \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
ENTRYPOINT ["/opt/env/bin/python", "-m", "histocnn.worker"]

COPY histocnn histocnn
RUN /opt/env/bin/python -m compileall -q histocnn && chmod -R a+rX histocnn
USER histocnn

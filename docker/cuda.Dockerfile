# One engine on an NVIDIA GPU: `make image ENGINE=theano DEVICE=cuda`. cpu.Dockerfile
# explains what the two share; here are the reasons for the rest. CUDA's libraries come
# as packages of the lock, libgpuarray and pygpu from Debian 12, the driver's own library
# from the host when a container starts: no vendor's base image is needed.

ARG BASE=debian:bookworm-slim

FROM ${BASE} AS builder
ENV APT_CONFIG=/run/secrets/apt DEBIAN_FRONTEND=noninteractive
RUN --mount=type=secret,id=apt,mode=0444 \
    --mount=type=secret,id=certificates,mode=0444 \
    apt-get -qq update && \
    apt-get -qq install --yes --no-install-recommends python3-venv >/dev/null
WORKDIR /build
# Unpacked, not installed: the packages ask for OpenCL, which is not used, and for
# Debian's NumPy, which would come before the lock's.
RUN --mount=type=secret,id=apt,mode=0444 \
    --mount=type=secret,id=certificates,mode=0444 \
    apt-get -qq download libgpuarray3 libgpuarray-dev python3-pygpu && \
    for package in *.deb; do dpkg --extract "$package" gpuarray; done && rm -- *.deb
COPY tools tools
COPY requirements/build requirements/build
ARG ENGINE
COPY requirements/${ENGINE}-cuda.txt requirements/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=certificates \
    --mount=type=cache,target=/root/.cache \
    UV_LINK_MODE=copy python3 tools/env.py "${ENGINE}-cuda" && \
    mv ".envs/${ENGINE}-cuda" /opt/env
# libgpuarray looks for libnvrtc.so and libcublas.so; the packages number theirs.
RUN packages=/opt/env/lib/python3.11/site-packages && \
    cp -r gpuarray/usr/lib/python3/dist-packages/pygpu "$packages" && \
    /opt/env/bin/python -m compileall -q "$packages/pygpu" && \
    install -d local && cp -r gpuarray/usr/include local && \
    install -d local/lib && cp -P gpuarray/usr/lib/libgpuarray.so* local/lib && \
    for library in "$packages"/nvidia/*/lib/lib*.so.*; do \
        name=${library##*/} && ln -s "$library" "local/lib/$name" && \
        ln -s "$name" "local/lib/${name%%.so.*}.so"; \
    done

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

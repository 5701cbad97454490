# taskmaster. `docker build -t taskmaster .`
#
# Git comes along, since a project is a repository. kubectl, helm, terraform and argocd do not: which
# of them a plan needs, and in which version, is the site's business. Build on this image to add them.
# A Docker is not part of the tests here: they check stages, paths and the user, not the build.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /source
# The image has the compiler already; the file would fetch another with tools that nobody uses here.
ENV RUSTUP_TOOLCHAIN=1.95
COPY . .
RUN cargo build --release --locked --bin taskmaster

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /source/target/release/taskmaster /usr/local/bin/taskmaster
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
# The project is mounted here.
WORKDIR /project
ENTRYPOINT ["taskmaster"]

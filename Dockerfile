# syntax=docker/dockerfile:1
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY cmd cmd
COPY configs configs
COPY internal internal
ARG TARGETOS TARGETARCH VERSION=dev COMMIT=
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X main.version=$VERSION -X main.commit=$COMMIT" -o /channelwatch ./cmd/channelwatch
# What an empty image needs: authorities to trust, a directory for temporary files, one for the history, a name for the user.
RUN mkdir -p /root-fs/etc/ssl/certs /root-fs/tmp /root-fs/var/lib/channelwatch \
    && chmod 1777 /root-fs/tmp \
    && chown 65532:65532 /root-fs/var/lib/channelwatch \
    && cp /etc/ssl/certs/ca-certificates.crt /root-fs/etc/ssl/certs/ \
    && echo 'channelwatch:x:65532:65532::/:/sbin/nologin' > /root-fs/etc/passwd

# With a browser, for touchpoints of kind browser (README, "With a browser in a container"):
#   docker build --target browser --tag channelwatch:browser .
# Build it again every week: Chromium has a security release about as often.
FROM debian:12-slim AS browser
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        ca-certificates chromium-headless-shell fonts-liberation fonts-noto-color-emoji \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 65532 channelwatch \
    && useradd --system --uid 65532 --gid 65532 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin channelwatch \
    && install -d -o channelwatch -g channelwatch /var/lib/channelwatch
COPY --from=build /channelwatch /channelwatch
COPY configs/channelwatch.yaml /etc/channelwatch/channelwatch.yaml
USER 65532:65532
ENV STATE_DIRECTORY=/var/lib/channelwatch
VOLUME /var/lib/channelwatch
EXPOSE 9977
# A visit may take every core for a while.
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["/channelwatch", "healthcheck"]
# As process 1 the agent takes in what browsers leave behind: no init is needed.
ENTRYPOINT ["/channelwatch"]
CMD ["run", "--config", "/etc/channelwatch/channelwatch.yaml", "--listen", "0.0.0.0:9977"]

# The default, which is the last one: nothing but the agent.
FROM scratch
COPY --from=build /root-fs /
COPY --from=build /channelwatch /channelwatch
COPY configs/channelwatch.yaml /etc/channelwatch/channelwatch.yaml
USER 65532:65532
# Where the history is kept: mount something that stays here.
ENV STATE_DIRECTORY=/var/lib/channelwatch
VOLUME /var/lib/channelwatch
EXPOSE 9977
# Finds an agent that serves TLS, demands a password or a client certificate as well; another port needs --url.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/channelwatch", "healthcheck"]
ENTRYPOINT ["/channelwatch"]
CMD ["run", "--config", "/etc/channelwatch/channelwatch.yaml", "--listen", "0.0.0.0:9977"]

# Three commands: `make demo` to look at it, `make run CONFIG=…` to use it, `make test` to check a change.
CONFIG  ?= configs/channelwatch.yaml
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)

.PHONY: build demo run test

build:
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/channelwatch ./cmd/channelwatch

demo: build
	./bin/channelwatch demo

run: build
	./bin/channelwatch run --config $(CONFIG)

test:
	internal/tools/gate

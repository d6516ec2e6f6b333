# "make" builds and runs the quick tests; "make check" is all of what
# continuous integration runs.

BIN      := bin/finesse-connector
FUZZTIME ?= 10000x

# Packages that keep files in step with their source; see "generate".
GENERATORS = $(sort $(dir $(shell grep -rl --include='*.go' '^//go:generate' cmd deploy internal)))

.PHONY: all
all: build
	go test -short ./...

.PHONY: check
check: deps generated lint tidy race fuzz build

# Debian packages that the tests start servers from.
.PHONY: deps
deps:
	test/deps.sh

.PHONY: build
build:
	CGO_ENABLED=0 go build -trimpath -o $(BIN) ./cmd/finesse-connector

# Writes the files that are made from the source anew; "generated" only
# checks that they are current. A package takes part with a go:generate line
# and a test whose name begins with TestGenerated.
.PHONY: generate
generate:
	go generate ./...

.PHONY: generated
generated:
	go test -run '^TestGenerated' $(addprefix ./,$(GENERATORS))

# The licences of others that are in the binary, for shipping with it; see
# deploy/licences. "generated" checks that they are current and accepted.
.PHONY: licences
licences:
	go generate ./deploy/licences

.PHONY: fmt
fmt:
	gofmt -w .

.PHONY: lint
lint:
	@files=$$(gofmt -l .); if [ -n "$$files" ]; then echo "not formatted, run make fmt:" $$files; exit 1; fi
	go vet ./...
	go tool staticcheck ./...

.PHONY: tidy
tidy:
	go mod tidy -diff

.PHONY: test
test:
	go test -shuffle=on ./...

# The two that load a machine most do not run at the same time: chaos begins,
# beside packages that mostly wait, and e2e comes last.
.PHONY: race
race:
	go test -race -shuffle=on -timeout 14m ./test/chaos $$(go list ./... | grep -v '/test/e2e$$') ./test/e2e

# Ten minutes of random faults on every connection; see test/chaos.
.PHONY: chaos
chaos:
	go test -race -count=1 -timeout 30m -v ./test/chaos -chaos.duration=10m

# 200 kills of the broker, the connector and Finesse's nodes; see test/chaos.
.PHONY: kills
kills:
	go test -race -count=1 -timeout 60m -v -run TestKills ./test/chaos -chaos.kills=200

# The attacks with as many random messages and strangers as a bad day has; see
# test/hostile.
.PHONY: hostile
hostile:
	go test -count=1 -timeout 30m -v ./test/hostile -hostile.messages=50000 -hostile.crowd=100000

# Each fuzz target for FUZZTIME, a number of inputs: with a time instead, such as
# 10m, a run can fail for nothing at its end (golang.org/issue/75804, before Go
# 1.27).
.PHONY: fuzz
fuzz:
	test/fuzz.sh $(FUZZTIME)

.PHONY: cover
cover:
	@mkdir -p bin
	go test -coverprofile=bin/cover.out ./...
	go tool cover -func=bin/cover.out | tail -n 1

.PHONY: bench
bench:
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: demo
demo: build
	$(BIN) demo

.PHONY: clean
clean:
	rm -rf bin dist

.DEFAULT_GOAL := help

# The race detector needs a C compiler; go env says whether there is one.
RACE := $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)

# Programs link nothing of the machine that builds them.
STATIC := CGO_ENABLED=0

# What is shipped: the same bytes from every folder, with version and commit whatever
# GOFLAGS says. What only a debugger reads is left out, a third of the size; panics
# and profiles keep their names. grpcnotrace leaves out pages about gRPC, which comes
# with OpenTelemetry: their templates call methods by name, for which the linker would
# keep every exported method of every package, 5.6 MB.
SHIPPED := -trimpath -buildvcs=auto -ldflags='-s -w' -tags=grpcnotrace

# Tools that are run as they are, by version.
GOSEC       := github.com/securego/gosec/v2/cmd/gosec@v2.30.0
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.1.4
GO_LICENSES := github.com/google/go-licenses@v1.6.0

# How long each target of make fuzz is fuzzed. An hour in all is 4m.
FUZZTIME := 5s

.PHONY: help
help: ## Show this help.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## Start the whole system on this machine: API, database and Stripe sandbox.
	$(STATIC) go run -trimpath ./cmd/nestdev

.PHONY: test
test: ## Run all tests, with the race detector where that makes sense.
	go test $(RACE) -timeout 20m ./...
	$(if $(RACE),go test -run KilledAtAnyCall ./cmd/nestpayments)

.PHONY: generate
generate: ## Generate code from openapi.yaml.
	go generate ./gen

.PHONY: build
build: ## Build the programs into bin/.
	$(STATIC) go build $(SHIPPED) -o bin/ ./cmd/...

.PHONY: lint
lint: ## Check format, vet and staticcheck.
	@files=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$files" ]; then echo "run gofmt -w on:"; echo "$$files"; exit 1; fi
	go vet ./...
	go tool staticcheck ./...

.PHONY: fresh
fresh: ## Check that generated code and go.mod are up to date.
	go generate ./gen
	@git diff --exit-code -- gen || { echo "generated code is stale: run make generate and commit what it changes"; exit 1; }
	go mod tidy -diff

# The list of known vulnerabilities is on the network: where that cannot be
# reached, the check is left out and says so. mathutil's licence is BSD-3-Clause
# in words of its own, which the tool does not know. cmd/nestdev/sdk has modules
# whose other half is generated, and .tools copies of them.
.PHONY: audit
audit: ## Check for insecure code, known vulnerabilities, and licences.
	go run $(GOSEC) -quiet -exclude-dir=gen -exclude-dir=cmd/nestdev/sdk -exclude-dir='\.tools' ./...
	@echo "go run $(GOVULNCHECK) ./..."; \
	if out=$$(go run $(GOVULNCHECK) ./... 2>&1); then echo "$$out"; \
	elif echo "$$out" | grep -q 'fetching vulnerabilities'; then echo "LEFT OUT: the vulnerability database cannot be reached from here"; \
	else echo "$$out"; exit 1; fi
	@echo "go run $(GO_LICENSES) check ./cmd/nestpayments"; \
	out=$$(go run $(GO_LICENSES) check ./cmd/nestpayments --ignore modernc.org/mathutil \
		--allowed_licenses=MIT,Apache-2.0,BSD-3-Clause,BSD-2-Clause,ISC 2>&1) || { echo "$$out"; exit 1; }

# Go's fuzzer now and then takes the end of its own time for a failure, and then says
# "context deadline exceeded" and has no input that fails. That is none.
.PHONY: fuzz
fuzz: ## Fuzz every parser for FUZZTIME each (4m: an hour in all).
	@set -e; go list ./... | while read -r pkg; do \
		for target in $$(go test -list '^Fuzz' "$$pkg" | grep '^Fuzz' || true); do \
			echo "$$pkg $$target"; \
			if ! out=$$(go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5s "$$pkg" 2>&1); then \
				echo "$$out"; \
				echo "$$out" | grep -q '^    context deadline exceeded$$' && ! echo "$$out" | grep -q 'Failing input' || exit 1; \
			fi; \
			echo "$$out" | tail -1; \
		done; \
	done

.PHONY: prove
prove: ## Prove that money is safe: every pair of failures, 100,000 random schedules.
	go test ./server/payments -run 'TestEvery|TestRandom' -v -timeout 0 -long -rapid.checks=100000

.PHONY: chaos
chaos: ## Kill replicas and databases under 10,000 payments. Takes about an hour.
	go test -v -timeout 4h ./cmd/nestpayments/chaos -chaos.payments=10000 -chaos.kills=300 -chaos.outages=20 -chaos.clients=32

# Each package by itself, so that none measures beside another.
.PHONY: bench
bench: ## Benchmark operations, layers and the whole system, in short: one table.
	{ go test -run '^$$' -bench . -benchtime 100ms ./server; \
	  go test -run '^$$' -bench . -benchtime 1x -timeout 20m ./cmd/bench; } | go run ./cmd/bench

.PHONY: bench-full
bench-full: ## The same at full length, with a million users and payments.
	{ go test -run '^$$' -bench . -count 3 -timeout 1h ./server; \
	  go test -run '^$$' -bench . -benchtime 1x -timeout 4h ./cmd/bench -full; } | go run ./cmd/bench

# How the system of make run is driven; LOADTEST=--help lists the flags.
LOADTEST := --rate 20 --duration 30s

.PHONY: loadtest
loadtest: ## Drive the system of make run with users' journeys, at a rate (LOADTEST).
	go run ./cmd/loadtest --users-file .nestdev/loadtest-users.json --json .nestdev/loadtest.json --plots .nestdev/loadtest $(LOADTEST)

# The generators to run and more: SDKFLAGS='-sdk.only=go,rust -update'.
SDKFLAGS :=

.PHONY: sdk-check
sdk-check: ## Generate, compile and use an SDK with every generator (SDKFLAGS=-update).
	go test ./cmd/nestdev/sdk -v -timeout 25m -sdk $(SDKFLAGS)

.PHONY: gateway-check
gateway-check: ## Make every gateway's file, and run the journey of a client through Envoy.
	deploy/gateway/tools/install .tools/gateway
	go test -v -count=1 -timeout 5m ./deploy/gateway -gateway.tools=$(CURDIR)/.tools/gateway

.PHONY: browser-check
browser-check: ## Use the docs page and the sandbox's pages in Chromium, and check them with axe.
	cmd/nestdev/browser/install.sh $(CURDIR)/.tools/browser
	CI=true go test -v -count=1 ./cmd/nestdev/browser -browser.axe=$(CURDIR)/.tools/browser/node_modules/axe-core/axe.min.js

.PHONY: mongo-check
mongo-check: ## Run the tests that use MongoDB on a second implementation of it.
	store/mongo/mongotest/javaserver/run .tools/mongo go test -count=1 -timeout 15m $(MONGO_TESTS)

# TEST_MONGODB_URI=mongodb://… go test $(MONGO_TESTS) runs them on a server of yours.
MONGO_TESTS := ./store/mongo/... ./server ./cmd/nestpayments

.PHONY: spec-check
spec-check: ## Lint openapi.yaml with every rule of three linters, and validate it.
	.ci/spec/run

.PHONY: dist
dist: ## Write the files of a release into dist/.
	go run gen/dist.go -o dist

# The cases that schemathesis generates, at least, and their seed; 0 picks one.
CASES := 50000
SEED  := 0

.PHONY: fuzz-api
fuzz-api: ## Fuzz the running API with CASES requests, and run its flows.
	cmd/nestdev/fuzz/install.sh $(CURDIR)/.tools/fuzz
	go test ./cmd/nestdev/fuzz -v -count=1 -timeout 4h -fuzz.tools=$(CURDIR)/.tools/fuzz -fuzz.cases=$(CASES) -fuzz.seed=$(SEED)

# Goes through everything below deploy that is not a gateway's, with the tools that
# would read it: the image's root is built and started, without a container engine.
.PHONY: deploy-check
deploy-check: ## Check the image, the manifests, the dashboard and the alerts.
	deploy/tools/install .tools/deploy
	go test -v -count=1 -timeout 10m ./deploy -deploy.tools=$(CURDIR)/.tools/deploy

.PHONY: check
check: lint fresh test mongo-check browser-check audit fuzz spec-check gateway-check deploy-check sdk-check ## Run everything that CI runs.
	$(MAKE) fuzz-api CASES=1000 SEED=1
	go test -v -timeout 15m ./cmd/nestpayments/chaos -chaos.payments=100 -chaos.kills=6 -chaos.outages=2
	go test -run '^$$' -bench . -benchtime 10x ./server ./store/sqlite ./stripeclient ./server/auth
	go test -run '^$$' -bench 'Near|Flat|Light' -benchtime 1x -timeout 10m ./cmd/bench | go run ./cmd/bench

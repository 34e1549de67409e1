.DEFAULT_GOAL := help
# The race detector needs a C compiler; go env says whether there is one.
RACE := $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)

# Programs link nothing of the machine that builds them.
STATIC := CGO_ENABLED=0

.PHONY: help
help: ## Show this help.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## Start the whole system on this machine: API, database and Stripe sandbox.
	$(STATIC) go run -trimpath ./cmd/nestdev

.PHONY: test
test: ## Run all tests, with the race detector.
	go test $(RACE) ./...

.PHONY: generate
generate: ## Generate code from openapi.yaml.
	go generate ./gen

.PHONY: build
build: ## Build the programs into bin/.
	$(STATIC) go build -trimpath -o bin/ ./cmd/...

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

.PHONY: bench
bench: ## Benchmark every operation.
	go test -run '^$$' -bench . -benchmem ./server

.PHONY: check
check: lint fresh test ## Run everything that CI runs.
	go test -run '^$$' -bench . -benchtime 10x ./server ./store/sqlite ./stripeclient ./server/auth

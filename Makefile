# taskmaster. `make demo` and `make test` do all of their own set-up on a fresh Debian or Ubuntu
# machine with git, make, a C compiler and cargo.

SHELL := /bin/sh
CARGO ?= cargo
PRD ?= prd/platform.md
ENVIRONMENT ?= local
PHASE ?=
TOOLS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/taskmaster/tools
TARPAULIN_VERSION := 0.37.5
DENY_VERSION := 0.20.2
FUZZ_VERSION := 0.13.2
MUTANTS_VERSION := 27.1.0
FUZZ_TARGETS := catalogue ledger parse prometheus proxy template webhook write_back
BIN := target/release/taskmaster
SAMPLE_API := target/release/sample-api
# Of the targets for a cluster; VARS holds more options, such as --var context=NAME.
APP := blue-green
VERSION :=
VARS :=
HOST := blue-green.local
RATE := 20
DURATION := 1m

.PHONY: help demo build test lint parse plan run report bench coverage fuzz fuzz-keep differential screenshots \
	simulate mutants mutant-seeds aa-table power experiment detection torture torture-rollouts switches \
	platform-up platform-down deploy-blue-green deploy-canary promote rollback traffic \
	e2e manifests cluster-build cluster-images cluster-up cluster-down cluster-shell clean distclean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: build ## run the platform PRD on this machine and write the HTML report
	@tests/tools/demo.sh $(BIN) $(PRD) $(ENVIRONMENT)

build: ## build the release programs
	$(CARGO) build --release --locked --bins

test: ## all unit, property and command-line tests, the HTML report in a real browser
	@tests/tools/chromium.sh
	RUST_TEST_THREADS=$$(( $$(nproc) * 2 )) $(CARGO) test --workspace --locked --features taskmaster/crashpoints
	$(CARGO) test --locked -p taskmaster-delivery --features mutants --test it mutants

lint: $(TOOLS)/bin/cargo-deny ## formatting, clippy, licences and bans
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) clippy --package taskmaster --all-targets --locked --features crashpoints -- -D warnings
	$(TOOLS)/bin/cargo-deny --all-features check bans licenses sources

parse: build ## parse PRD=… and show it
	$(BIN) parse $(PRD)

plan: build ## show what a run would do
	$(BIN) plan $(PRD) --env $(ENVIRONMENT)

run: build ## run PRD=… ENVIRONMENT=… PHASE=…
	$(BIN) run $(PRD) --env $(ENVIRONMENT) $(if $(PHASE),--phase $(PHASE))

report: build ## report the last run
	$(BIN) report

platform-up platform-down deploy-blue-green deploy-canary promote rollback: ENVIRONMENT := kind

platform-up: $(BIN) ## set the platform up on a cluster; again: repair it
	$(BIN) run prd/platform.md --env $(ENVIRONMENT) $(VARS)

deploy-blue-green: $(BIN) ## release VERSION=… blue-green; it waits for `make promote`
	$(BIN) run prd/releases/blue-green.md --env $(ENVIRONMENT) --var version=$(call given,VERSION) $(VARS)

deploy-canary: $(BIN) ## release VERSION=… by degrees
	$(BIN) run prd/releases/canary.md --env $(ENVIRONMENT) --var version=$(call given,VERSION) $(VARS)

promote: $(BIN) ## say yes to the blue-green release that waits
	$(BIN) approve yes --document prd/releases/blue-green.md --env $(ENVIRONMENT)

rollback: $(BIN) ## release VERSION=… of APP=blue-green or canary, which was there before, without a question
	scripts/rollback.sh $(BIN) $(ENVIRONMENT) $(APP) $(call given,VERSION) $(VARS)

traffic: $(SAMPLE_API) ## send requests to HOST=… RATE=… a second for DURATION=…
	$(SAMPLE_API) load --url http://$(HOST)/version --rate $(RATE) --duration $(DURATION) --allow-remote

platform-down: $(BIN) ## take the platform away; it asks before
	$(BIN) destroy prd/platform.md --env $(ENVIRONMENT) $(VARS)

given = $(or $($1),$(error $1=… is missing))

# For those who use the programs; `make build` looks whether they are current.
$(BIN) $(SAMPLE_API):
	$(CARGO) build --release --locked --bins

bench: ## ratios against the bare limits in one run; the simulator's speed, a hundredth of the A/A table, the minutes of `make test`
	PEERS=$$(tests/tools/peers.sh $(TOOLS)) PLOT=docs/images/parse.svg $(CARGO) bench --locked --bench ratios
	$(CARGO) bench --locked --bench gitops
	NGINX_PROGRAM=$$(tests/tools/nginx.sh $(TOOLS)) $(CARGO) bench --locked --bench proxy
	@rm -rf out/bench
	$(SIMULATE) torture --seeds 5000
	$(SIMULATE) aa-table --rollouts 1000 --out out/bench --blocks out/bench/blocks.jsonl
	@cat out/bench/aa.md
	@tests/tools/minutes.sh

coverage: $(TOOLS)/bin/cargo-tarpaulin ## lines covered, with the bars that CI holds
	@tests/tools/chromium.sh
	@tests/tools/coverage.sh $(TOOLS)/bin/cargo-tarpaulin

fuzz: $(addprefix fuzz-,$(FUZZ_TARGETS)) ## fuzz each target for SECONDS=60, or one: `make fuzz-parse` (needs nightly; docs/fuzz.md)

fuzz-%: $(TOOLS)/bin/cargo-fuzz
	@mkdir -p fuzz/corpus/$* fuzz/kept/$*
	cd fuzz && PATH="$(TOOLS)/bin:$$PATH" $(CARGO) +nightly fuzz run --sanitizer none $* corpus/$* seeds/$* kept/$* \
		-- -max_len=4096 -max_total_time=$(or $(SECONDS),60)

fuzz-keep: ## keep of fuzz/corpus what reaches most, a few files a target, for the plain tests
	@for target in $(FUZZ_TARGETS); do fuzz/keep $$target || exit 1; done

mutants: $(TOOLS)/bin/cargo-mutants ## change the pure crates, and see the tests notice; SHARDS=40 parts, FIRST=0 LAST=0 of them (docs/mutation.md)
	@PATH="$(TOOLS)/bin:$$PATH" tests/tools/mutants.sh "$(CARGO)" $(or $(SHARDS),40) $(or $(FIRST),0) $(or $(LAST),0) \
		$(or $(CRATES),core prd catalogue kube-api delivery)

differential: ## ask Argo Rollouts and our replica maths N=1000000 questions of SEED=1 (needs Go)
	tests/differential/run $(or $(N),1000000) $(or $(SEED),1)

SIMULATE := $(CARGO) run --quiet --release --locked -p taskmaster-simulate --

simulate: ## SEEDS=10000 simulated rollouts of every kind under every trouble
	$(SIMULATE) torture --seeds $(or $(SEEDS),10000)

mutant-seeds: ## the first seed that finds each fault on purpose (docs/mutants.md)
	$(SIMULATE) mutants

aa-table: ## how often good versions are taken back, ROLLOUTS=100000 of each kind; goes on where it was stopped
	$(SIMULATE) aa-table --rollouts $(or $(ROLLOUTS),100000)

power: ## how soon bad versions are taken back (docs/experiments/power.md)
	$(SIMULATE) power

EXPERIMENT = $(CARGO) build --quiet --release --locked --bins -p taskmaster -p sample-api -p taskmaster-experiment && target/release/experiment --out docs/experiments

experiment: ## how long users meet a slow version, with real processes (8 min; docs/experiments/mttr.md)
	$(EXPERIMENT) mttr

detection: ## how soon a faulty version is taken back, with real processes (docs/experiments/detection.md)
	$(EXPERIMENT) detection

torture: ## N=1000 kills of runs, syncs and their undoing at random moments of SEED=1 (docs/experiments/torture.md)
	$(EXPERIMENT) torture --kills $(or $(N),1000) --seed $(or $(SEED),1)

torture-rollouts: ## commands and agents killed at any moment (docs/experiments/kills.md)
	$(EXPERIMENT) kills

switches: ## promotions and ways back under load (docs/experiments/switches.md)
	$(EXPERIMENT) switches

screenshots: ## pictures of the report of the last demo, into docs/images
	@tests/tools/chromium.sh
	TASKMASTER_REPORT=$(CURDIR)/out/report.html TASKMASTER_SCREENSHOTS=$(CURDIR)/docs/images \
		$(CARGO) test --locked --test it browser::report::pictures

e2e: ## the end-to-end suite on a real Kubernetes node of its own (needs root and Go)
	tests/e2e/run $(SCENARIOS)

manifests: ## write the presets' templates and the plain manifests from the charts (needs Helm)
	charts/generate
	k8s/generate

CLUSTER := $(CARGO) run --quiet --locked -p taskmaster-cluster --

cluster-build: ## build the programs and images of the test cluster (needs Go; half an hour the first time)
	$(CLUSTER) build

cluster-images: ## pack the images of the test cluster and name them
	@$(CLUSTER) images

cluster-up: ## start a real Kubernetes node for tests, in namespaces of its own (needs root)
	@$(CLUSTER) up

cluster-down: ## stop it; nothing of it is left
	@$(CLUSTER) down

cluster-shell: ## a shell inside the node, with kubectl and its kubeconfig
	@$(CLUSTER) shell

$(TOOLS)/bin/cargo-deny:
	$(CARGO) install --locked --root $(TOOLS) cargo-deny@$(DENY_VERSION)

$(TOOLS)/bin/cargo-fuzz:
	$(CARGO) install --locked --root $(TOOLS) cargo-fuzz@$(FUZZ_VERSION)

$(TOOLS)/bin/cargo-mutants:
	$(CARGO) install --locked --root $(TOOLS) cargo-mutants@$(MUTANTS_VERSION)

$(TOOLS)/bin/cargo-tarpaulin:
	$(CARGO) install --locked --root $(TOOLS) cargo-tarpaulin@$(TARPAULIN_VERSION)

clean: ## remove what the demo and the build made
	rm -rf out .taskmaster
	$(CARGO) clean

distclean: clean ## remove the cached tools too
	rm -rf $(TOOLS)

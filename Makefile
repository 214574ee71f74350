# Everything runs from a virtual environment in .venv, made here on first use.
PYTHON ?= python3
BIN := .venv/bin

# The flags of `antiphon up` are environment variables too, which make passes on:
#   make up ANTIPHON_HTTP=127.0.0.1:9000 ANTIPHON_ENGINE=echo

# Where it is set, each of the hundreds of processes that tests start compiles all sources anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help images prove-images up native test npm-packages test-vllm check proto fuzz bench bench-relay bench-relay-healing rehearse-rollout bench-transceiver bench-websocket bench-loss bench-sip bench-inference loadtest loadtest-10k loadtest-soak dashboards-screenshot relay-peers flite clean debian-packages

help:
	@echo "make up     install, then run relay, inference and transceiver until Ctrl-C"
	@echo "make native  install torch and moshi (gigabytes) for up's native engine"
	@echo "make test   unit, property and end-to-end tests, with real clients"
	@echo "make test-vllm  install vLLM's CPU build (4 GB, once), and test against it"
	@echo "make check  lint, format, types, generated code, import rules"
	@echo "make proto  generate the Python code of inference.proto and loadtest.proto"
	@echo "make fuzz   mutate the seeds of every parser for longer than make test does, and hold"
	@echo "            the relay's compiled decisions to the reference's"
	@echo "make bench  measure the README's figures"
	@echo "make bench-relay  measure the relay beside a Go reference, asyncio and coturn, 10 minutes"
	@echo "make bench-relay-healing  measure how calls fare when their relay is killed or replaced"
	@echo "make rehearse-rollout  update every tier of the chart under live calls, as root, 6 minutes"
	@echo "make bench-transceiver  measure the transceiver beside stock aiortc, 10 minutes"
	@echo "make bench-websocket  measure 200 sessions over WebSockets on one worker, 1 minute"
	@echo "make bench-loss  measure what is understood of callers whose packets get lost, 6 minutes"
	@echo "make bench-sip  measure what is understood of callers on the telephone, 8 minutes"
	@echo "make bench-inference  measure the inference tier: turns, answers, trunk, hand-off, 12 minutes"
	@echo "make loadtest  place calls by SCENARIO=turns or another to a deployment on this machine"
	@echo "make loadtest-10k   10,000 sessions, 10,000 calls, the largest load, a peer: 15 minutes"
	@echo "make loadtest-soak  half of the largest load for 30 minutes: does anything drift?"
	@echo "make dashboards-screenshot  draw the dashboards over real calls, 8 minutes"
	@echo "make images  build the container images of all tiers, by ENGINE=docker or another"
	@echo "make prove-images  build them without a registry, run deploy/compose.yaml and talk, 15 minutes"
	@echo "make clean  remove the virtual environment and everything generated"

up: .venv/ready-to-run
	@exec $(BIN)/antiphon up

native: .venv/ready-for-native

# Files go to three processes, whose waits overlap: most tests wait for what others do. In the
# order of tests/conftest.py, not by their number of tests: the long ones come first.
test: .venv/ready-to-develop debian-packages npm-packages
	$(BIN)/pytest --numprocesses=3 --dist=loadfile --no-loadscope-reorder $(PYTEST_ARGS)

test-vllm: .venv/ready-to-develop
	@PYTHON=$(PYTHON) tests/vllm/install
	$(BIN)/pytest -o python_files='check_*.py' tests/vllm $(PYTEST_ARGS)

check: .venv/ready-to-develop
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_imports.py
	rm -rf build/proto && mkdir -p build/proto
	$(call generate,build/proto)
	for package in inference loadtest; do diff -r -x __pycache__ -x '*.proto' -x __init__.py \
	  build/proto/antiphon_proto/$$package proto/antiphon_proto/$$package || exit 1; done

proto: .venv/ready-to-develop
	$(call generate,proto)

fuzz: .venv/ready-to-develop
	$(BIN)/python -m tests.fuzz.run $(FUZZ_ARGS)
	$(BIN)/python -m tests.fuzz.relay_differential $(DIFFERENTIAL_ARGS)

bench: .venv/ready-to-develop
	$(BIN)/python -m bench.wire
	$(BIN)/python -m bench.first_call $(BENCH_ARGS)
	$(BIN)/python -m bench.report

# For a quick look: make bench-relay BENCH_ARGS="--rounds 1 --seconds 0.5"
bench-relay: .venv/ready-to-develop relay-peers
	$(BIN)/python -m bench.relay $(BENCH_ARGS)
	$(BIN)/python -m bench.report

bench-relay-healing: .venv/ready-to-develop
	$(BIN)/python -m bench.relay_healing $(BENCH_ARGS)

# For a quick look: make rehearse-rollout BENCH_ARGS="--quick"
rehearse-rollout: .venv/ready-to-develop debian-packages
	$(BIN)/python -m bench.rollout $(BENCH_ARGS)
	$(BIN)/python -m bench.report

# For a quick look: make bench-transceiver BENCH_ARGS="--quick"
bench-transceiver: .venv/ready-to-develop
	$(BIN)/python -m bench.transceiver $(BENCH_ARGS)
	$(BIN)/python -m bench.report

# For a quick look: make bench-websocket BENCH_ARGS="--quick"
bench-websocket: .venv/ready-to-develop
	$(BIN)/python -m bench.websocket $(BENCH_ARGS)
	$(BIN)/python -m bench.report

# For a quick look: make bench-loss BENCH_ARGS="--sentences 10"
bench-loss: .venv/ready-to-bench
	$(BIN)/python -m bench.loss $(BENCH_ARGS)
	$(BIN)/python -m bench.report

# For a quick look: make bench-sip BENCH_ARGS="--texts 2"
bench-sip: .venv/ready-to-bench flite
	$(BIN)/python -m bench.narrowband $(BENCH_ARGS)
	$(BIN)/python -m bench.report

# For a quick look: make bench-inference BENCH_ARGS="--quick"
bench-inference: .venv/ready-to-develop flite
	$(BIN)/python -m bench.inference $(BENCH_ARGS)
	$(BIN)/python -m bench.report

SCENARIO ?= turns
loadtest: .venv/ready-to-load
	@$(BIN)/antiphon-loadtest run $(SCENARIO) --local $(LOADTEST_ARGS)

# For a quick look: make loadtest-10k LOADTEST_ARGS="--quick"
loadtest-10k: .venv/ready-to-develop
	$(BIN)/python -m bench.loadtest_10k $(LOADTEST_ARGS)
	$(BIN)/python -m bench.report

# For a quick look: make loadtest-soak LOADTEST_ARGS="--minutes 1 --sessions 5 --to /tmp"
loadtest-soak: .venv/ready-to-develop
	$(BIN)/python -m bench.loadtest_soak $(LOADTEST_ARGS)

# For a quick look: make dashboards-screenshot SCREENSHOT_ARGS="--minutes 1 --to /tmp"
dashboards-screenshot: .venv/ready-to-develop debian-packages npm-packages
	$(BIN)/python -m deploy.grafana.screenshot $(SCREENSHOT_ARGS)

ENGINE ?= docker
IMAGE_TAG := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
image = $(ENGINE) build --file deploy/docker/$(1).Dockerfile --build-arg VERSION=$(IMAGE_TAG) \
  --build-arg REVISION=$$(git rev-parse HEAD) --tag antiphon/$(1):$(IMAGE_TAG)$(3) $(2) .

# With the one for GPUs: make images GPU=1
images:
	$(call image,relay)
	$(call image,transceiver)
	$(call image,inference)
	$(call image,loadtest)
	$(if $(GPU),$(call image,inference,--target gpu,-gpu))

# The image for GPUs, too: make prove-images PROVE_ARGS=--gpu
prove-images: .venv/ready-to-develop
	@tests/deploy/docker/install-debian-packages
	$(BIN)/python -m tests.deploy.docker.prove $(PROVE_ARGS)

clean:
	rm -rf .venv $(NPM_PROJECT)/node_modules build dist bench/out loadtest-results .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

debian-packages:
	@tests/install-debian-packages

# By the npm of .venv. Where it cannot, the tests that need them are skipped, and say so.
NPM_PROJECT := tests/e2e/npm
npm-packages: $(NPM_PROJECT)/node_modules/.package-lock.json
$(NPM_PROJECT)/node_modules/.package-lock.json: $(NPM_PROJECT)/package-lock.json .venv/ready-to-develop
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --prefix $(NPM_PROJECT) --ignore-scripts --no-audit --no-fund \
	  && touch $@ || echo "!!! Installing npm packages failed; tests that need them will be skipped" >&2

flite:
	@bench/inference/install-debian-packages

relay-peers:
	@bench/peers/install-debian-packages

define generate
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m grpc_tools.protoc -Iproto --python_out=$(1) --grpc_python_out=$(1) \
	  --mypy_out=quiet:$(1) --mypy_grpc_out=quiet:$(1) \
	  proto/antiphon_proto/inference/v1/inference.proto \
	  proto/antiphon_proto/loadtest/v1/loadtest.proto
endef

# pip from outside: a Python without ensurepip (Debian packs it apart) has pip all the same.
PIP_INSTALL := $(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check \
  install --quiet --constraint constraints.txt

define install
	@echo "Installing antiphon[$(1)] into .venv"
	@$(PIP_INSTALL) --editable '.[$(1)]'
	@# The wheel requires torch; its ONNX file, all that is used of it, does not.
	@$(PIP_INSTALL) --no-deps silero-vad
	@# Here, and not at the first start: it takes half a minute, once for each version.
	@echo "Compiling the relay's fast path"
	@$(BIN)/python -c 'from relay.fast.path import precompile; precompile()'
	@touch $@
endef

define compile-harness
	@echo "Compiling the load harness"
	@$(BIN)/python -c 'from loadtest.precompile import precompile; precompile()'
endef

# It pins a torch that is years older than the one that it works with.
define install-moshi
	@$(PIP_INSTALL) --no-deps moshi
endef

# Helm 4 as a library, 47 MB. It asks for Python 3.12 and works with 3.11; all that it needs, cffi,
# is there. Where it cannot be had, the tests of the chart are skipped, and say so.
define install-helm
	@$(PIP_INSTALL) --no-deps --ignore-requires-python --only-binary :all: helm-sdkpy \
	  || echo "!!! Installing helm-sdkpy failed; tests of the Helm chart will be skipped" >&2
endef

.venv/ready-to-run: .venv/bin/python pyproject.toml constraints.txt
	$(call install,all)

# A comma would end an argument of `call`.
WITH_LOAD := all,loadtest
.venv/ready-to-load: .venv/ready-to-run
	$(call install,$(WITH_LOAD))
	$(compile-harness)

.venv/ready-for-native: .venv/ready-to-run
	$(install-moshi)
	$(call install,native)

.venv/ready-to-develop: .venv/bin/python pyproject.toml constraints.txt
	$(install-moshi)
	$(call install,dev)
	$(install-helm)
	$(compile-harness)
	@echo "Compiling the load generator that the relay is measured and tested with"
	@# As the tests do, for any processor: benchmarks compile it for theirs.
	@$(BIN)/python -c 'import relay.fast.numba_code; from bench.relay.endpoints import Endpoints; Endpoints().precompile()'
	@touch .venv/ready-to-run .venv/ready-to-load .venv/ready-for-native

.venv/ready-to-bench: .venv/ready-to-develop
	$(call install,bench)

.venv/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "Antiphon needs Python 3.11 or newer: there is no $(PYTHON)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Antiphon needs Python 3.11 or newer: $(PYTHON) is " + sys.version.split()[0])'
	@$(PYTHON) -m venv --without-pip .venv

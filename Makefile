# Each target sets up what it needs and may be repeated. The stamp follows the lock: a changed lock sets up anew.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready
# Where the environment forbids to write them (images do), each of the thousands of processes that the tests start
# would compile all of the project's modules again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo demo-web test test-long lint proto serve bench bench-quick supply clean setup fuzz native-deny native-valgrind native-fuzz

setup: $(STAMP)

NATIVE := native/Cargo.toml native/Cargo.lock native/pyproject.toml $(wildcard native/src/*.rs native/src/*/*.rs)

$(STAMP): requirements.lock requirements-keyed.lock pyproject.toml scripts/native.sh scripts/keyed.sh $(NATIVE)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	@mkdir -p build
	scripts/native.sh
	scripts/keyed.sh
	@touch $@

demo: setup
	$(BIN)/zk demo

# The pages with a server and people; prints what to do. Ends with Ctrl-C.
demo-web: setup
	scripts/web.sh
	rm -rf demo-output/web
	$(BIN)/zk web demo

serve: setup
	$(BIN)/zk serve --dev

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	scripts/proto.sh --check
	$(BIN)/python -m scripts.settings_page --check
	$(BIN)/python -m scripts.runtime_lock --check
	scripts/native-check.sh lint

test: lint
	scripts/native-check.sh test
	scripts/postgres.sh
	scripts/nginx.sh
	scripts/grpcurl.sh
	scripts/typescript.sh
	scripts/cometbft.sh
	scripts/web-prover.sh
	scripts/web.sh
	scripts/chromium.sh
	@echo "The consortium's processes are killed for $${ZK_CONSORTIUM_SECONDS:-480} seconds (ZK_CONSORTIUM_SECONDS)."
	scripts/tests.sh

# Faults that take minutes each; docs/ledger.md says which they are and how long they take.
test-long: setup
	scripts/postgres.sh
	scripts/nginx.sh
	scripts/cometbft.sh
	$(BIN)/python -m pytest -m long --durations=0

bench-quick: setup
	$(BIN)/python -m benchmarks.quick

bench: setup
	scripts/postgres.sh
	$(BIN)/python -m benchmarks

# Sources, licences, advisories, bill of materials, wheels; what cannot be run here is counted. Writes dist/.
supply: setup
	$(BIN)/python -m scripts.supply
	scripts/native-check.sh lint

proto: setup
	scripts/proto.sh

# Not part of lint or test: they take from minutes to as long as they are given. See native/README.md.
build/tools/bin/cargo-deny:
	CARGO_TARGET_DIR=build/cargo-deny cargo install --quiet --locked --root build/tools --version 0.20.2 cargo-deny

native-deny: build/tools/bin/cargo-deny
	scripts/native-check.sh lint

native-valgrind: setup
	scripts/native-valgrind.sh

FUZZ_SECONDS ?= 300
native-fuzz: setup
	scripts/native-fuzz.sh $(FUZZ_SECONDS)

fuzz: setup
	scripts/fuzz.sh $(FUZZ_SECONDS)

clean:
	rm -rf clients/typescript/node_modules clients/typescript/gen clients/typescript/dist web/node_modules web/pages/gen
	rm -rf web/prover/node_modules web/prover/dist
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache demo-output

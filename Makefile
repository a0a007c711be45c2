# `make` alone lists what there is.
# PYTHON=… names another interpreter; POK_DATA_DIR and POK_PORT choose the installation that `make up` runs.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(PYTHON) -I runtime/stack/install.py
COMPOSE := $(wildcard compose.yaml)
# drf-spectacular-sidecar is taken for its plain files: its Django, and what only that needs, is left out.
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate
COMPILE_ALL := $(COMPILE) --all-extras \
	--no-emit-package django --no-emit-package asgiref --no-emit-package sqlparse

# Tools that are run too seldom to be installed for everybody.
TOOL := $(BIN)/uv tool run

# What test-faults and test-soak pass on; ONLY=… names the tests to run.
FAULT_OPTIONS := $(if $(SEED),--seed $(SEED)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
	$(if $(INQUIRIES),--inquiries $(INQUIRIES)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(ONLY),-k "$(ONLY)")

.DEFAULT_GOAL := help
.PHONY: help up web doctor test test-long test-e2e test-smoke test-faults test-soak screenshots bench lighthouse eval check fmt proto openapi lock clean audit sbom installed installed-dev

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: web ## Install what is needed, build the dashboard and run the whole system (Ctrl-C stops it)
	@exec $(BIN)/pok up

web: installed ## Build the dashboard if its sources have changed
	@$(BIN)/python -m runtime.stack.web

doctor: ## Say what is wrong on this machine and what to do
	@$(INSTALL) --check
	@if [ -x $(BIN)/pok ]; then $(BIN)/pok doctor; else echo "POK is not installed yet: make up"; fi

test: installed-dev ## Run the tests, on real servers that they start themselves
	$(BIN)/pytest --numprocesses=2 --dist=loadfile

test-long: installed-dev ## Run the slower and deeper variants
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r requirements-llm.lock
	$(BIN)/pytest -m long

test-e2e: installed-dev ## Drive the dashboard in a browser
	$(BIN)/pytest -m e2e

test-smoke: installed-dev ## Drive the most important of it in a browser
	$(BIN)/pytest -m smoke

test-faults: installed-dev ## Run long rounds of injected faults (SEED=… ROUNDS=… INQUIRIES=… repeat or bound them)
	$(BIN)/pytest -m faults -s tests/faults $(FAULT_OPTIONS)

test-soak: installed-dev ## Flood the system, then keep it half busy for MINUTES=…
	$(BIN)/pytest -m soak -s tests/faults $(FAULT_OPTIONS)

screenshots: installed-dev web ## Take the screenshots of README anew, with Chromium
	$(BIN)/python -m tests.support.screenshots

eval: installed-dev ## Measure the embedded model anew (SOURCES=folder of public sets), or a PROVIDER on your own DATA=file
	$(BIN)/python -m ai_service.embedded.eval $(if $(SOURCES),--sources $(SOURCES)) \
		$(if $(DATA),--data $(DATA)) $(if $(PROVIDER),--provider $(PROVIDER))

bench: installed-dev ## Measure how fast POK is (ONLY="create reads" ROWS=1000000 ROUNDS=… SECONDS=… JSON=file)
	$(BIN)/python -m benchmarks $(ONLY) $(if $(ROWS),--rows $(ROWS)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
		$(if $(SECONDS),--seconds $(SECONDS)) $(if $(JSON),--json $(JSON))

lighthouse: installed-dev web ## Have Lighthouse report on the dashboard, with Chromium
	$(BIN)/python -m benchmarks.lighthouse

check: installed-dev ## Format, lint, types, architecture, contracts, weight of the dashboard, budgets of hot requests
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint
	$(BIN)/buf format -d --exit-code
	$(BIN)/python -m edge_api.published check
	$(BIN)/python -m runtime.stack.web check
	$(BIN)/python -m benchmarks.first_load
	$(BIN)/pytest tests/budgets
	$(if $(COMPOSE),$(BIN)/docker-compose --env-file compose.env.example --profile observability -f $(COMPOSE) config --quiet)

fmt: installed-dev ## Format everything and mend what can be mended
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/buf format -w

proto: installed-dev ## Compile the contracts into typed stubs
	$(BIN)/python proto/build.py

openapi: installed-dev ## Write the description of the REST API anew from its handlers
	$(BIN)/python -m edge_api.published

lock: installed-dev ## Write the lock files anew from pyproject.toml
	$(COMPILE_ALL) pyproject.toml -o requirements.lock
	$(COMPILE_ALL) --group dev pyproject.toml -o requirements-dev.lock
	$(COMPILE) --no-deps --group pyproject.toml:llm -o requirements-llm.lock

audit: installed-dev ## Look for known weaknesses in what is locked; fails where PyPI's or npm's advisories cannot be asked
	$(TOOL) pip-audit==2.10.1 --strict --disable-pip --require-hashes -r requirements-dev.lock
	cd web && ../$(BIN)/npm audit

sbom: installed-dev ## List all that POK is made of, in dist/, as CycloneDX
	mkdir -p dist
	$(TOOL) --from cyclonedx-bom==7.5.0 cyclonedx-py requirements --output-reproducible requirements.lock -o dist/sbom-python.json
	cd web && ../$(BIN)/npm sbom --sbom-format=cyclonedx --package-lock-only > ../dist/sbom-web.json

clean: ## Remove what can be made again; data stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find proto -name '*_pb2*.py*' -delete

installed:
	@$(INSTALL)

installed-dev:
	@$(INSTALL) --dev

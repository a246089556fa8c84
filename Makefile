# Set-up and the two commands that most need: `make bench` and `make test`.
# Environments are built once, under .envs/; .benchmarks/ keeps the results.

PYTHON ?= python3
ENVS := $(basename $(notdir $(wildcard requirements/*.txt)))
ENGINES := $(filter-out bench lint %-cuda,$(ENVS))
# Of the quick grid; for others: make env ENGINE=jax, then ARGS="--engines jax".
BENCH_ENGINES ?= theano tensorflow
BENCH_JSON ?= build/bench.json
# Of images: the device, and a Debian 12 to build on instead of the public one.
DEVICE ?= cpu
# For guard: the commit to compare with.
BASE ?=
# The Python of a site's own JAX or PyTorch that a bundle brings the rest for.
SITE_PYTHON ?= 3.12
# Saved files, or folders of them, to report on; default: the newest of .benchmarks/.
FILES ?=
# How long a soak begins new sessions.
SOAK_SECONDS ?= 3600
# Of a Ray cluster's head: ADDRESS, or ADDRESS:PORT.
ADDRESS ?=
# More options for what is run: make bench ARGS="--sizes 64 --cores 1,2"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help bench guard report test soak env doctor image images bundle ray-head ray-node lint lock clean clean-images

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 21

bench: ## set up, measure the quick grid on the CPU, print the speed-up table
	@$(PYTHON) tools/env.py bench $(BENCH_ENGINES)
	@mkdir -p $(dir $(BENCH_JSON)) && rm -f $(BENCH_JSON)
	@.envs/bench/bin/python -m pytest benchmarks/test_train.py --grid quick --devices cpu \
	    --benchmark-autosave --benchmark-json=$(BENCH_JSON) --benchmark-quiet $(ARGS)

# A hostile branch name is a word to the shell, not a command. make ends with 2 whatever
# the guard's own exit code was, unless that is 0.
guard: export GUARD_BASE := $(BASE)
guard: ## what got slower since a commit: make guard BASE=origin/main
	@test -n "$$GUARD_BASE" || \
	    { echo 'guard: BASE is missing, as in: make guard BASE=origin/main' >&2; exit 2; }
	@$(PYTHON) tools/env.py bench $(BENCH_ENGINES)
	@.envs/bench/bin/python -m tools.guard "$$GUARD_BASE" --python "$(PYTHON)" $(ARGS)

report: ## a page and figures of FILES (default: the newest) into build/report/
	@$(PYTHON) tools/env.py bench
	@status=0; \
	for view in page "figures --if-any"; do \
	    .envs/bench/bin/python -m reports $$view $(FILES) --output build/report || status=$$?; \
	done; \
	exit $$status

test: ## set up, run all tests
	@$(PYTHON) tools/env.py bench $(ENGINES)
	@.envs/bench/bin/python -m pytest tests $(ARGS)

soak: ## random cases under random faults, for SOAK_SECONDS (default: an hour)
	@$(PYTHON) tools/env.py bench $(BENCH_ENGINES)
	@.envs/bench/bin/python -m benchmarks.soak --seconds $(SOAK_SECONDS) $(ARGS)

env: ## set up one environment: make env ENGINE=theano
	@$(PYTHON) tools/env.py $(ENGINE)

doctor: ## what this machine can run, and what to do about what it cannot
	@$(PYTHON) tools/env.py bench
	@.envs/bench/bin/python -m benchmarks.doctor

image: ## build one Docker image: make image ENGINE=theano DEVICE=cpu (or cuda)
	@$(PYTHON) tools/env.py bench
	@.envs/bench/bin/python -m tools.image --base "$(BASE)" -- "$(ENGINE)-$(DEVICE)"

images: ## build all Docker images of the CPU, and theano-cuda
	@$(PYTHON) tools/env.py bench
	@.envs/bench/bin/python -m tools.image --base "$(BASE)"

bundle: ## one archive for a machine without network: make bundle ENGINE=theano
	@$(PYTHON) tools/env.py bench $(filter theano,$(ENGINE))
	@.envs/bench/bin/python -m tools.bundle --site-python "$(SITE_PYTHON)" $(ARGS) -- "$(ENGINE)"

# The address is a word to the shell, whatever it holds.
ray-head ray-node: export RAY_START := $(ADDRESS)
ray-head: ## head of a Ray cluster on this machine: make ray-head ADDRESS=10.0.0.5
	@$(PYTHON) tools/env.py bench ray
	@.envs/ray/bin/python -m benchmarks.cluster.ray_start ray-head $(ARGS) -- "$$RAY_START"

ray-node: ## this machine measures for a head: make ray-node ADDRESS=10.0.0.5:6379
	@$(PYTHON) tools/env.py ray
	@.envs/ray/bin/python -m benchmarks.cluster.ray_start ray-node $(ARGS) -- "$$RAY_START"

lint: ## ruff (rules and format) and mypy over everything
	@$(PYTHON) tools/env.py lint
	.envs/lint/bin/ruff check
	.envs/lint/bin/ruff format --check
	.envs/lint/bin/mypy

lock: ## write requirements/ again from pyproject.toml (ARGS=--upgrade for newer pins)
	@$(PYTHON) tools/env.py bench
	@.envs/bench/bin/python -m tools.lock $(ARGS)

clean: ## remove environments, caches and reports; results and images stay
	@rm -rf .envs .cache .pytest_cache .mypy_cache .ruff_cache
	@# build/docker may be a running engine, which its own script takes down.
	@test ! -d build || find build -mindepth 1 -maxdepth 1 ! -name docker -exec rm -rf {} +
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

clean-images: ## remove the Docker images
	@$(PYTHON) tools/env.py bench
	@.envs/bench/bin/python -m tools.image --clean

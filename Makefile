# `make` lists what there is. PYTHON=… chooses the Python that .venv is made with.

PY := .venv/bin/python
PIP := $(PY) -m pip install --disable-pip-version-check -q

# Written when everything is installed, with the folder it was installed from.
LESSONS_READY := .venv/.lessons-ready
TESTS_READY := .venv/.tests-ready
SITE_READY := .venv/.site-ready
installed_from := $(shell cat $(LESSONS_READY) 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help lab test setup notebooks data site bench bench-widgets scaling ablation answers fuzz machines clean moved

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

lab: $(LESSONS_READY)  ## Open your copy of the lessons in JupyterLab (LAB_ARGS=…)
	$(PY) -m nn_helpers lab $(LAB_ARGS)

test: $(TESTS_READY)  ## Check everything: style, module, lessons (ARGS=… goes to pytest)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pytest -n 2 --dist loadfile $(ARGS)

setup: $(TESTS_READY)  ## Make .venv with all that `make test` needs, and stop there

notebooks: $(LESSONS_READY)  ## Run every lesson from the top and save its outputs (ARGS=… names some of them)
	$(PY) -m tools.run_notebooks $(ARGS)

data: $(LESSONS_READY)  ## Fetch CIFAR-10
	$(PY) -m nn_helpers data $(ARGS)

site: $(SITE_READY)  ## Build the site into build/site, from what is here, without a network
	rm -rf build/site
	$(PY) -m sphinx -q -E -W --keep-going -j 2 -c site -d build/site-read . build/site

bench: $(TESTS_READY)  ## Measure the speed
	$(PY) -m benchmarks $(ARGS)

bench-widgets: $(TESTS_READY)  ## Measure the widgets in a real browser (ARGS=--minutes=1)
	$(PY) -m benchmarks.widgets $(ARGS)

scaling: $(TESTS_READY)  ## Measure how time and memory grow
	$(PY) -m benchmarks.scaling $(ARGS)

ablation: $(TESTS_READY)  ## Measure what each part of the preset full brings (needs CIFAR-10)
	$(PY) -m benchmarks.ablation $(ARGS)

answers: $(TESTS_READY)  ## Measure what check says of answers that it was not made for
	$(PY) -m benchmarks.answers --table benchmarks/answers.md $(ARGS)

fuzz: $(TESTS_READY)  ## Feed 200,000 damaged and hostile inputs to all readers (ARGS=--seed=1)
	$(PY) tools/fuzz.py $(ARGS)

machines: $(TESTS_READY)  ## Run the tests as on other machines, in about an hour (ARGS=--list says which)
	$(PY) tools/machines.py $(ARGS)

clean:  ## Remove .venv and everything else that can be made again
	rm -rf .venv build dist .pytest_cache .ruff_cache .hypothesis fuzz-failures
	find nn_helpers notebooks tests tools \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

$(LESSONS_READY): requirements.txt pyproject.toml $(PY)
	@sh tools/make_venv.sh "$(PYTHON)"
	@echo "Installing what the lessons need into .venv (a minute or two, the first time)"
	@$(PIP) -r requirements.txt
	@printf '%s\n' "$(CURDIR)" > $@

$(TESTS_READY): $(LESSONS_READY)
	@sh tools/make_venv.sh "$(PYTHON)"
	@echo "Installing what the tests need into .venv"
	@$(PIP) -e '.[dev]'
	@touch $@

$(SITE_READY): $(LESSONS_READY) site/requirements.txt
	@echo "Installing what the site needs into .venv"
	@$(PIP) -r site/requirements.txt
	@touch $@

# Missing, or a link to a Python that is gone.
$(PY):
	@sh tools/make_venv.sh "$(PYTHON)"

# A folder that was moved or copied is installed again: .venv still points to the old place.
ifneq "$(installed_from)" "$(CURDIR)"
$(LESSONS_READY): moved
endif

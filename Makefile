# What a newcomer types. Every target installs what it needs into .venv first.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
CORPORA ?= ../shared/corpora
BIN := .venv/bin

.PHONY: install demo serve test lint format bench performance http latency model words figures evaluate lock clean

install: .venv/installed

.venv/installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.txt
	@touch $@

demo: .venv/installed
	@$(BIN)/moderation score data/demo/thread.csv --article data/demo/article.json --explain

serve: .venv/installed
	$(BIN)/moderation serve

test: .venv/installed-dev
	$(BIN)/pytest

lint: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Two rivals are in the extra `bench`; without it their rows are not measured.
bench: .venv/installed-dev
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --editable '.[bench]'
	$(BIN)/python benchmarks/run.py

performance: .venv/installed-dev
	$(BIN)/python benchmarks/publish.py

http: .venv/installed-dev
	$(BIN)/python benchmarks/over_http.py

latency: .venv/installed-dev
	$(BIN)/python benchmarks/latency.py

# Retrains the shipped bundle: some ten minutes on two cores.
model: .venv/installed
	$(BIN)/moderation train models/default.toml --corpora $(CORPORA) --out models/default
	$(BIN)/python docs/figures.py

figures: .venv/installed
	$(BIN)/python docs/figures.py

evaluate: .venv/installed
	$(BIN)/moderation evaluate models/dev.toml --corpora $(CORPORA) --html report.html --json report.json

# Teaches the word vectors that `make model` takes over: some two hours on two cores, and PyTorch (the extra `train`).
words: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[train]'
	$(BIN)/python -m moderation.distillation meaning models/embeddings.toml --corpora $(CORPORA) --out .cache/words/meaning
	$(BIN)/python -m moderation.distillation tone models/teacher.toml --corpora $(CORPORA) --out .cache/words/tone \
		--others .cache/words/meaning
	$(BIN)/moderation train models/default.toml --corpora $(CORPORA) --out models/default --distilled .cache/words/tone

PIP_COMPILE := .cache/lock/bin/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe \
	--build-deps-for editable --no-emit-index-url --no-emit-find-links --no-emit-trusted-host

lock:
	$(PYTHON) -m venv .cache/lock
	.cache/lock/bin/python -m pip install --quiet --disable-pip-version-check pip-tools
	$(PIP_COMPILE) --output-file requirements.txt pyproject.toml
	$(PIP_COMPILE) --extra dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml

clean:
	rm -rf .venv .cache dist build *.egg-info .mypy_cache .pytest_cache .ruff_cache

# `make run` and `make test` need nothing but Python 3.11, make and git.
PYTHON ?= python3
BIN := .venv/bin

# Python keeps what it has compiled, also where it is told not to: tests start hundreds of processes.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run test lint format words bench chaos screens guide lighthouse lock clean

run: .venv/run
	@$(BIN)/python -m deploy.demo

test: .venv/dev .venv/chromium
	@$(BIN)/python -m pytest -n 3 --dist worksteal

lint: .venv/dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: .venv/dev
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# Takes every sentence out of the program into the catalogue, and makes of it what the program reads. No line numbers
# and no dates: two people who add sentences shall not stand in each other's way.
words: .venv/dev
	@mkdir -p translations/id/LC_MESSAGES
	@$(BIN)/pybabel --quiet extract -F babel.cfg -k _l -k lazy_gettext --no-location --sort-output --no-wrap -o translations/messages.pot app.py views mailroom oca templates
	@$(BIN)/pybabel --quiet update -i translations/messages.pot -d translations -l id --init-missing --ignore-obsolete --no-fuzzy-matching --ignore-pot-creation-date --no-wrap
	@rm translations/messages.pot
	@$(BIN)/pybabel --quiet compile -d translations

bench: .venv/dev
	@$(BIN)/python -m bench

chaos: .venv/dev
	@$(BIN)/python -m bench.chaos

screens: .venv/dev .venv/chromium
	@$(BIN)/python -m screens

# The guide's pictures, anew in both languages.
guide: .venv/dev .venv/chromium
	@$(BIN)/python -m screens --guide

lighthouse: .venv/dev .venv/chromium screens/lighthouse/node_modules
	@$(BIN)/python -m screens.lighthouse

screens/lighthouse/node_modules: screens/lighthouse/package-lock.json
	@echo "Installing Lighthouse (once; needs Node 18 or newer)…"
	@npm ci --prefix screens/lighthouse --no-audit --no-fund --silent
	@touch $@

lock: .venv/dev
	@$(BIN)/pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate -o requirements.txt requirements.in
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate -o requirements-dev.txt requirements-dev.in requirements.in

clean:
	rm -rf .venv .venv-bench .screens .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/bin/python:
	@$(PYTHON) -m venv .venv

.venv/run: requirements.txt | .venv/bin/python
	@echo "Installing what OCA Mailroom runs on (once)…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt .venv/run
	@echo "Installing what tests and checks need (once)…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

# The browser tests drive Debian's own Chromium, the build that never had windows: a third less work.
.venv/chromium: | .venv/bin/python
	@command -v chromium-headless-shell >/dev/null || { \
	  SUDO=; [ "$$(id -u)" = 0 ] || SUDO=sudo; \
	  echo "Installing Chromium from Debian's packages (once)…"; \
	  $$SUDO apt-get update -qq && $$SUDO apt-get install -y -qq --no-install-recommends chromium-headless-shell >/dev/null; }
	@touch $@

# SPDX-License-Identifier: BSD-3-Clause
# Thin: set-up lives in .ci/, the C core in csrc/Makefile, Python in pyproject.toml.
B ?= build
MINISAT_PREFIX ?= build/deps
export MINISAT_PREFIX
PY := .venv/bin/python
SOURCES = $(wildcard csrc/*/*.[ch] csrc/*/*.cc tests/c/*.[ch] tests/c/*/*.c benchmarks/*.c)
PYTEST_FLAGS ?= -n 2 --dist worksteal

.PHONY: help build demo test soak bench codspeed lint format clean
help:
	@echo 'make build   system packages, MiniSat and .venv with cenv in it'
	@echo 'make demo    template and clones of the running Python, timed'
	@echo 'make test    C unit tests (ASan, UBSan), then pytest'
	@echo 'make bench   the figures, against cp and the bare floor'
	@echo 'make codspeed  a part of them under pytest-codspeed'
	@echo 'make lint    formats, types, spelling; make format applies'
	@echo 'make soak    what takes minutes; make fuzz searches with libFuzzer'
	@echo 'make core    the C core alone; make ctest [T=name] its unit tests'

build:
	@.ci/setup

demo: build
	@$(PY) -m cenv demo

test:
	@.ci/setup test
	@$(MAKE) --no-print-directory -j2 -Otarget ctest WERROR=
	@$(PY) -m pytest $(PYTEST_FLAGS)

soak:
	@.ci/setup test
	@$(MAKE) --no-print-directory tsan WERROR=
	@$(PY) -m pytest -m soak

bench: build
	@$(PY) benchmarks/run.py

codspeed: build
	@$(PY) -m pytest benchmarks --codspeed -p no:xdist

lint: build
	@$(PY) -m ruff check
	@$(PY) -m ruff format --check
	@$(PY) -m mypy
	@$(PY) -m codespell_lib -D - -D .ci/british.txt
	@.venv/bin/clang-format --dry-run -Werror $(SOURCES)

format:
	@$(PY) -m ruff format
	@$(PY) -m ruff check --fix-only -q
	@.venv/bin/clang-format -i $(SOURCES)

clean:
	rm -rf build dist .venv .venv.new python/*.egg-info python/cenv/_cenv*.so \
	    .pytest_cache .mypy_cache .ruff_cache

include csrc/Makefile

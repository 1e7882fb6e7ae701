# SPDX-License-Identifier: BSD-3-Clause
# Thin: set-up lives in .ci/, the C core in csrc/Makefile, Python in pyproject.toml.
B ?= build
MINISAT_PREFIX ?= build/deps
export MINISAT_PREFIX
PY := .venv/bin/python
SOURCES = $(wildcard csrc/*/*.[ch] csrc/os/*/*.c csrc/*/*.cc tests/c/*.[ch] tests/c/*/*.c benchmarks/*.c)
PYTEST_FLAGS ?= -n 2 --dist worksteal

# T names Python tests for `make pytest`, and C tests for csrc/Makefile.
ifneq ($(filter pytest,$(MAKECMDGOALS)),)
PYTESTS := $(T)
override undefine T
endif

# Compiling takes all processors, unless -j says otherwise; its output comes target by target.
JOBS := -j$(shell getconf _NPROCESSORS_ONLN)
PARALLEL := $(JOBS) -Otarget
ifeq ($(MAKELEVEL)$(filter-out core ctest tsan,$(MAKECMDGOALS)),0)
MAKEFLAGS += $(PARALLEL)
endif

.PHONY: help build demo wheel docs man test pytest soak hostile faults kill interrupts bench codspeed lint format clean
help:
	@echo 'make build   system packages, MiniSat, .venv with cenv and test tools'
	@echo 'make demo    template and clones of the running Python, timed'
	@echo 'make test    C unit tests (ASan, UBSan), then pytest'
	@echo 'make wheel   wheels that need nothing but libc, into dist/; TAGS="manylinux_2_28_x86_64"'
	@echo '             make test WHEEL=dist/FILE.whl tests one'
	@echo 'make docs    the pages as a site, build/docs/index.html; make man: the page cenv(1)'
	@echo 'make bench   the figures, against cp and the bare floor'
	@echo 'make codspeed  a part of them under pytest-codspeed'
	@echo 'make lint    formats, types, spelling; make format applies'
	@echo 'make soak    what takes minutes; make fuzz searches with libFuzzer'
	@echo 'make hostile input that means harm; make faults: each call fails, one at a time'
	@echo 'make kill    kills cenv at work, 2000 times; make interrupts: it ends at once'
	@echo 'make ctest   C unit tests alone, T="version os/fs" for some; make core: the library'
	@echo 'make pytest  Python tests alone, T="tests/python/test_create.py ..." for some'

build:
	@.ci/setup test

demo:
	@.ci/setup
	@$(PY) -m cenv demo

wheel: build
	@$(PY) .ci/wheel.py $(TAGS)

man: build
	@mkdir -p build/man
	@$(PY) -m cenv.cli.manual > build/man/cenv.1
	@echo build/man/cenv.1

docs: build
	@$(PY) .ci/reference.py
	@$(PY) -m sphinx -W --keep-going -q -c docs -d build/doctrees . build/docs
	@cp build/docs/README.html build/docs/index.html
	@echo 'build/docs/index.html'

# WHEEL=FILE tests what a user gets: the wheel, in an environment that never saw the checkout.
ifdef WHEEL
WHEEL_VENV := build/wheel-venv
test: build
	@rm -rf $(WHEEL_VENV)
	@$(PY) -m venv $(WHEEL_VENV)
	@$(WHEEL_VENV)/bin/python -m pip install -q "$(WHEEL)[test]"
	@$(WHEEL_VENV)/bin/python -m pytest $(PYTEST_FLAGS)
else
test: build
	@$(MAKE) --no-print-directory $(PARALLEL) ctest WERROR=
	@$(PY) -m pytest $(PYTEST_FLAGS)

endif

pytest: build
	@$(PY) -m pytest $(PYTEST_FLAGS) $(PYTESTS)

soak: build
	@$(MAKE) --no-print-directory $(PARALLEL) tsan WERROR=
	@$(PY) -m pytest -m soak

# HOSTILE="--share 4 --seed 7 --only servers", FAULTS="--points 200 --only create": a part of them.
hostile: build
	@$(PY) tests/hostile/hostile.py $(HOSTILE)

faults: build
	@$(PY) tests/faults/faults.py $(FAULTS)

# INTERRUPTS="--points 5 --only create --within 200": a part of it.
interrupts: build
	@$(PY) tests/interrupt/interrupt.py --within 100 $(INTERRUPTS)

# KILL="--points 200 --only create": a part of it.
kill: build
	@$(PY) tests/kill/kill.py $(KILL)

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
	@$(MAKE) --no-print-directory portable

format:
	@$(PY) -m ruff format
	@$(PY) -m ruff check --fix-only -q
	@.venv/bin/clang-format -i $(SOURCES)

clean:
	rm -rf build dist .venv .venv.new python/*.egg-info python/cenv/_cenv*.so \
	    .pytest_cache .mypy_cache .ruff_cache

include csrc/Makefile

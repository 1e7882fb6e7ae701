# SPDX-License-Identifier: BSD-3-Clause
# Thin: set-up lives in .ci/, Python packaging in pyproject.toml and setup.py.
B ?= build
MINISAT_PREFIX ?= $(CURDIR)/build/deps
include csrc/Makefile

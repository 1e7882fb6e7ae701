# SPDX-License-Identifier: BSD-3-Clause
"""The parts of conda that suites of its users touch, as far as cenv.conda does."""

# SPDX-License-Identifier: BSD-3-Clause
"""Templates: what is built once and cloned often, and the store of them."""

# SPDX-License-Identifier: BSD-3-Clause
"""Clones: made ahead, removed behind, mounted, viewed."""

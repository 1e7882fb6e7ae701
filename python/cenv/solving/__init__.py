# SPDX-License-Identifier: BSD-3-Clause
"""Solving: the repodata of channels, opened for many solves, and its making."""

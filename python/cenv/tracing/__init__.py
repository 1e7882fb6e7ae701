# SPDX-License-Identifier: BSD-3-Clause
"""The trace: spans and facts of what ran, its file, and the traces that are kept."""

VERSION = 1  # of the facts

# Those whose traces the store keeps: what others did nobody asks for a day later.
KEPT_COMMANDS = ("create", "template build", "solve", "clone", "pytest")

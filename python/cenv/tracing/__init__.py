# SPDX-License-Identifier: BSD-3-Clause
"""The trace: spans and facts of what ran, its file, and the traces that are kept."""

VERSION = 1  # of the facts

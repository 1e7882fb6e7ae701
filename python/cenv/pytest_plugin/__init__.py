# SPDX-License-Identifier: BSD-3-Clause
"""The pytest plugin: fixtures that hand out clones of template environments."""

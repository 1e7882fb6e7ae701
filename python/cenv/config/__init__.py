# SPDX-License-Identifier: BSD-3-Clause
"""Configuration: .condarc files, channels, and where things lie."""

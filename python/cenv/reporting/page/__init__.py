# SPDX-License-Identifier: BSD-3-Clause
"""Reports as one page of HTML: no network, no scripts, readable without its pictures."""

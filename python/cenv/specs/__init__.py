# SPDX-License-Identifier: BSD-3-Clause
"""What users ask for: MatchSpecs, spec files, lock files, dates."""

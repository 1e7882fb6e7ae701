# SPDX-License-Identifier: BSD-3-Clause
"""Lets every look at a file fail, one at a time, in what would act on a file that is absent.

    python tests/faults/unseen.py

"Not there" is said of what is known not to be there. A look that fails for another reason ends
an operation with that reason, or changes nothing of what it does: no template is built again or
swept, no clone forgotten, no file called missing.
"""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from faults import World, load_all, preload, refuse

if TYPE_CHECKING:
    import cenv

LOOKS = {"stat": errno.EIO, "open": errno.EIO, "list": errno.EIO, "readlink": errno.EIO}
# What these say is the system's word, never a judgement of ours that nothing was seen for.
JUDGEMENTS = (
    "not there",
    "missing",
    "no such",
    "exists",
    "is gone",
    "damaged",
    "neither",
)


class Scene(World):
    """A template, a clone of it and one of an environment; what is to stay of them."""

    def __init__(self, top: Path) -> None:
        """Make them."""
        super().__init__(top)
        self.clone_template()
        self.create(self.source)

    @property
    def only(self) -> str:
        """The id of the template."""
        (entry,) = (self.store / "v1/templates").iterdir()
        return entry.name

    @property
    def found(self) -> cenv.Template:
        """The template."""
        found = self.templates.find(self.only)
        if found is None:
            raise AssertionError("it says that the template is not there")
        return found

    def remains(self) -> tuple[object, ...]:
        """Return what no failed look may change."""
        entries = sorted((self.store / "v1/clones").iterdir())
        template = self.store / "v1/templates" / self.only
        return (
            template.name,
            template.stat().st_ino,
            [path.name for path in entries if path.suffix == ".json"],
            sorted(path.name for path in (self.store / "v1/requests").iterdir()),
            (self.made / "bin/tool").read_bytes(),
            (self.source / "conda-meta/history").exists(),
        )

    def acts(self) -> dict[str, Callable[[], object]]:
        """Return what is done under failing looks."""
        import cenv

        ask = {"channels": [str(self.channel)]}
        return {
            "check": lambda: self.says(self.found.check().ok, True),
            "content": lambda: self.says(self.found.check(content=True).ok, True),
            "sweep": lambda: self.templates.sweep(),
            "gc": lambda: self.templates.gc(1 << 40),
            "list": lambda: self.says(len(self.templates.templates()), 1),
            "template": lambda: self.templates.template(["tool"], **ask),
            "verify": lambda: self.says(cenv.verify(self.source).ok, True),
            "reset": lambda: cenv.reset(self.made, store=self.store),
            "over": lambda: self.fails(lambda: self.create(self.source)),
        }

    def says(self, got: object, want: object) -> None:
        """Compare an answer with the one of undisturbed days."""
        if got != want:
            raise AssertionError(f"it says {got}, and not {want}")

    def fails(self, run: Callable[[], object]) -> None:
        """Expect the refusal to replace an environment."""
        import cenv

        try:
            run()
        except cenv.PrefixError as error:
            self.says("there is one already" in str(error), True)
        else:
            raise AssertionError("it replaced what was there")


def main() -> int:
    """Try all points; say what is wrong with which."""
    preload()
    load_all()
    wrong = tried = 0
    with tempfile.TemporaryDirectory(prefix="cenv-unseen-") as top:
        os.environ |= {"HOME": top, "CENV_STORE": top + "/store"}
        scene = Scene(Path(top))
        want = scene.remains()
        for name, act in scene.acts().items():
            for call, error in LOOKS.items():
                total = refuse(act, call, 1 << 40, error).noted
                for n in range(1, total + 1):
                    outcome = refuse(act, call, n, error)
                    tried += 1
                    told = outcome.kind in ("", "OSError") and not any(
                        word in outcome.message for word in JUDGEMENTS
                    )
                    if not told or scene.remains() != want:
                        wrong += 1
                        print(f"{name}, {call} {n}: {outcome}; {scene.remains()}")
            print(f"{name}: {tried} points, {wrong} wrong", flush=True)
    return 1 if wrong or not tried else 0


if __name__ == "__main__":
    sys.exit(main())

"""Make a virtual environment over another one: ``python overlay.py FOLDER``, by the Python of the one below.

The commit's own package is installed into the upper one, which belongs to one run; what it needs stays in the lower one,
which many runs share at once and none may change. One file, standard library only, to what Python 3.8 knows.
"""

import os
import sys
import sysconfig
import venv


def main() -> None:
    """Make it, without pip, and let it find what the lower one has, after what is its own."""
    lower = sysconfig.get_path("purelib")
    folder = os.path.abspath(sys.argv[1])  # noqa: PTH100
    venv.create(folder, with_pip=False, symlinks=True)
    packages = os.path.join(folder, os.path.relpath(lower, sys.prefix))  # noqa: PTH118
    with open(os.path.join(packages, "zz_environment.pth"), "w", encoding="utf-8") as link:  # noqa: PTH118, PTH123
        link.write(f"import site; site.addsitedir({lower!r})\n")


if __name__ == "__main__":
    main()

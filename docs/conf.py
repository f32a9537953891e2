"""Sphinx configuration. Build with jobs/docs.sh, which runs Doxygen first."""

import sys
from pathlib import Path

here = Path(__file__).resolve().parent
root = here.parent
sys.path.insert(0, str(here))
import make_reference  # noqa: E402
from sphinx.util import logging  # noqa: E402

project = "Dini"
author = "The Dini developers"
copyright = author
release = version = make_reference.version(root / "include" / "dini.h")

extensions = ["breathe", "sphinx.ext.mathjax"]
breathe_projects = {"dini": str(root / "build" / "docs" / "xml")}
breathe_default_project = "dini"
breathe_domain_by_extension = {"h": "c", "c": "c"}
primary_domain = "c"
highlight_language = "c"

html_theme = "alabaster"
html_theme_options = {
    "description": "Implicit differentiation of PETSc solves",
    "page_width": "1100px",
    "sidebar_width": "240px",
    "fixed_sidebar": True,
}
html_sidebars = {"**": ["about.html", "navigation.html", "searchbox.html"]}
html_show_sourcelink = False


def setup(app):
    # The reference pages follow the sections of dini.h; they are written before Sphinx reads the sources.
    for line in make_reference.complete(root / "build" / "docs" / "xml"):
        logging.getLogger(__name__).warning(line)
    make_reference.write([root / "include" / name for name in ("dini.h", "dinifixedpoint.h", "dinilinear.h", "diniobjective.h", "dinicontinuation.h", "dinislepc.h")], here / "reference")

"""Sphinx configuration. Build with jobs/docs.sh, which runs Doxygen first."""

import os
import re
import shutil
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
root = here.parent
sys.path.insert(0, str(here))
import make_reference  # noqa: E402
from docutils import nodes  # noqa: E402
from sphinx import addnodes  # noqa: E402
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
    "page_width": "1260px",
    "sidebar_width": "240px",
    "fixed_sidebar": True,
    "show_relbar_bottom": True,
}
html_sidebars = {"**": ["about.html", "navigation.html", "searchbox.html"]}
html_show_sourcelink = False
html_static_path = ["static"]
templates_path = ["templates"]
html_css_files = ["dini.css"]

# Formulas without a network: MathJax comes from Debian's libjs-mathjax and is copied into the output; SVG needs no web fonts.
mathjax_source = Path(os.environ.get("DINI_MATHJAX", "/usr/share/javascript/mathjax"))
mathjax_parts = ["MathJax.js", "extensions", "jax/element", "jax/input/TeX", "jax/output/SVG"]
mathjax_path = "mathjax/MathJax.js"
mathjax2_config = {
    "jax": ["input/TeX", "output/SVG"],
    "extensions": ["tex2jax.js"],
    "TeX": {"extensions": ["AMSmath.js", "AMSsymbols.js"]},
    "SVG": {"font": "TeX", "linebreaks": {"automatic": True}},
    "showMathMenu": False,
    "messageStyle": "none",
}

headers = make_reference.headers(root / "include")
public = {name: kind for header in headers for _, _, entries in make_reference.sections(header) for kind, name in entries}
roles = {"doxygenfunction": "func", "doxygenvariable": "var", "doxygentypedef": "type", "doxygenenum": "enum",
         "doxygenstruct": "struct", "doxygendefine": "macro"}


def link_names(app, doctree):
    """``DiniVJP()`` and ``DiniVJP(dini, ubar, mbar)`` in the text lead to the reference, and so do names of types."""
    for literal in list(doctree.findall(nodes.literal)):
        match = re.match(r"(DINI\w+|Dini\w*)(\(.*\))?$", literal.astext())
        if not match or match.group(1) not in public or isinstance(literal.parent, (nodes.reference, addnodes.pending_xref)):
            continue
        if any(isinstance(parent, nodes.title) for parent in (literal.parent, literal.parent.parent)):
            continue
        link = addnodes.pending_xref("", refdomain="c", reftype=roles[public[match.group(1)]], reftarget=match.group(1),
                                     refexplicit=True, refwarn=False, refdoc=app.env.docname)
        literal.replace_self(link)
        link += literal


def copy_mathjax(app, error):
    if error or app.builder.format != "html":
        return
    for part in mathjax_parts:
        source, target = mathjax_source / part, Path(app.outdir) / "_static" / "mathjax" / part
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)


def setup(app):
    # The reference pages follow the sections of the headers; they are written before Sphinx reads the sources.
    xml = root / "build" / "docs" / "xml"
    for line in make_reference.complete(xml):
        logging.getLogger(__name__).warning(line)
    make_reference.write(headers, here / "reference", make_reference.summaries(xml))
    app.connect("doctree-read", link_names)
    app.connect("build-finished", copy_mathjax)

"""Writes the reference pages from the headers in include/: one page per section of a header, in the header's order.

The headers are the only list of public names. A function that is declared there and has no comment at its definition is
missing from Doxygen's output, which Sphinx then reports as an error.
"""

import re
from pathlib import Path
from xml.etree import ElementTree

SECTION = re.compile(r"^/\* (.+) \*/$")
FUNCTION = re.compile(r"^DINI_PUBLIC PetscErrorCode (\w+)\(")
VARIABLE = re.compile(r"^DINI_PUBLIC (?:const char \*const|PetscClassId) (\w+)")
CALLBACK = re.compile(r"^typedef PetscErrorCode (\w+)\(")
ALIAS = re.compile(r"^typedef (?:struct _p_\w+ \*|const char \*)(\w+);")
MACRO = re.compile(r"^#define (DINI(?:_VERSION_)?[A-Z]+) ")
LEVELS = {  # of PETSc's manual pages; @level{...} below the @brief of each public function
    "beginner": "what a first gradient takes, and the first pages of the guide",
    "intermediate": "what tells Dini more about the problem, or asks more of it",
    "advanced": "for authors of solvers and for codes out of the ordinary",
}
CLOSE = re.compile(r"^} (\w+);")


def version(header):
    """The version that the header's macros state, such as 0.1.0."""
    text = Path(header).read_text(encoding="utf-8")
    return ".".join(re.search(rf"DINI_VERSION_{part}\s+(\d+)", text).group(1) for part in ("MAJOR", "MINOR", "SUBMINOR"))


def sections(header):
    """[(title, [(directive, name)])]; the types come before the first section and have a page of their own."""
    pages = [(f"types and constants of {Path(header).name}", [])]
    kind = None
    for line in Path(header).read_text(encoding="utf-8").splitlines():
        entries = pages[-1][1]
        if match := SECTION.match(line):
            pages.append((match.group(1), []))
        elif match := FUNCTION.match(line):
            entries.append(("doxygenfunction", match.group(1)))
        elif match := VARIABLE.match(line):
            entries.append(("doxygenvariable", match.group(1)))
        elif match := CALLBACK.match(line) or ALIAS.match(line):
            entries.append(("doxygentypedef", match.group(1)))
        elif (match := MACRO.match(line)) and match.group(1) not in ("DINI_EXTERN", "DINI_PUBLIC"):
            entries.append(("doxygendefine", match.group(1)))
        elif line.startswith("typedef enum"):
            kind = "doxygenenum"
        elif line.startswith("typedef struct {"):
            kind = "doxygenstruct"
        elif kind and (match := CLOSE.match(line)):
            entries.append((kind, match.group(1)))
            kind = None
    return [page for page in pages if page[1]]


def complete(xml):
    """Finishes Doxygen's XML of the public headers and returns what is missing in it.

    The header declares functions by the types of their parameters; the signature gets the names that the definitions
    give them. Each parameter and the returned code must have a word in the comment.
    """
    missing = []
    for path in Path(xml).glob("dini*_8h.xml"):
        tree = ElementTree.parse(path)
        for function in tree.iterfind(".//memberdef[@kind='function']"):
            names = [param_name(param) for param in function.iterfind("param") if param.findtext("type") != "void"]
            if function.find(".//detaileddescription//para") is None:
                continue  # reported by Doxygen as not documented
            described = {node.text for node in function.iterfind(".//parametername")}
            missing += [f"{function.findtext('name')}: no @param for {name}" for name in names if name not in described]
            if function.find(".//simplesect[@kind='return']") is None:
                missing.append(f"{function.findtext('name')}: no @return")
            missing += [f"{function.findtext('name')}: {what}" for what in place_level(function)]
            function.find("argsstring").text = f"({', '.join(declaration(param) for param in function.iterfind('param'))})"
        tree.write(path, encoding="utf-8", xml_declaration=True)
    return missing


def place_level(function):
    """Makes of the @level of a comment (a titled paragraph, by the Doxyfile) the first thing after the brief line."""
    parents = {child: parent for parent in function.iter() for child in parent}
    levels = [node for node in function.iterfind(".//simplesect[@kind='par']") if node.findtext("title") == "Level"]
    if len(levels) != 1 or levels[0].findtext("para", "").strip() not in LEVELS:
        return [f"needs one @level of {', '.join(LEVELS)}"]
    paragraph = parents[levels[0]]
    paragraph.text = (paragraph.text or "") + (levels[0].tail or "")
    paragraph.remove(levels[0])
    first = ElementTree.Element("para")
    first.text = "Level: "
    ElementTree.SubElement(first, "emphasis").text = levels[0].findtext("para").strip()
    function.find("detaileddescription").insert(0, first)
    return []


def param_name(param):
    return param.findtext("defname") or param.findtext("declname") or "a parameter without a name"


def declaration(param):
    """A parameter as C writes it: "const char name[]", "Vec *m", "PetscErrorCode (*create)(Dini)"."""
    kind = "".join(param.find("type").itertext())
    if kind == "void":
        return kind
    name = param_name(param)
    if "(*)" in kind:
        return kind.replace("(*)", f" (*{name})")
    return f"{kind}{'' if kind.endswith('*') else ' '}{name}{param.findtext('array', default='')}"


def slug(title):
    return re.sub(r"[^a-z]+", "-", title.lower()).strip("-")


def write(headers, folder):
    """Writes folder/index.rst and one page per section; a page that has not changed is left alone."""
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    pages = [page for header in headers for page in sections(header)]
    texts = {}
    for title, entries in pages:
        heading = title[0].upper() + title[1:]
        lines = [heading, "=" * len(heading), ""]
        for directive, name in entries:
            lines += [f".. {directive}:: {name}"]
            lines += ["   :members:", ""] if directive == "doxygenstruct" else [""]
        texts[slug(title)] = "\n".join(lines)
    listing = ["Reference", "=========", "", "Every public name of ``dini.h``, the headers that it includes and, where SLEPc is needed, ``dinislepc.h``, in the headers' order.", ""]
    listing += [".. toctree::", "   :maxdepth: 2", ""] + [f"   {name}" for name in texts] + [""]
    texts["index"] = "\n".join(listing)
    for stale in set(folder.glob("*.rst")) - {folder / f"{name}.rst" for name in texts}:
        stale.unlink()
    for name, text in texts.items():
        path = folder / f"{name}.rst"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")

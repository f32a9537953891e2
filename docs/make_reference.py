"""Writes the reference pages from the headers in include/: one page per section of a header, in the header's order.

A section begins with a comment of its title, underlined, and a few words for a newcomer. The headers are the only list of
public names. A function that is declared there and has no comment at its definition is missing from Doxygen's output, which
Sphinx then reports as an error.
"""

import re
from pathlib import Path
from xml.etree import ElementTree

SECTION = re.compile(r"^/\*\n  (?P<title>.+)\n  -+\n(?P<intro>(?:  .+\n)*)\*/\n", re.MULTILINE)
FUNCTION = re.compile(r"^DINI_PUBLIC PetscErrorCode (\w+)\(")
VARIABLE = re.compile(r"^DINI_PUBLIC (?:const char \*const|PetscClassId) (\w+)")
CALLBACK = re.compile(r"^typedef PetscErrorCode (\w+)\(")
ALIAS = re.compile(r"^typedef (?:struct _p_\w+ \*|const char \*)(\w+);")
MACRO = re.compile(r"^#define (DINI\w+) ")
INCLUDE = re.compile(r"^#include <(dini\w+\.h)>$", re.MULTILINE)
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


def headers(include):
    """dini.h, the headers that it includes in their order, and the others."""
    first = include / "dini.h"
    names = INCLUDE.findall(first.read_text(encoding="utf-8"))
    return [first, *(include / name for name in names), *sorted(set(include.glob("*.h")) - {first} - {include / name for name in names})]


def sections(header):
    """[(title, introduction, [(directive, name)])]"""
    text = Path(header).read_text(encoding="utf-8")
    starts = list(SECTION.finditer(text))
    if outside := entries(text[:starts[0].start()]):
        raise ValueError(f"{header}: {outside} before the first section")
    ends = [start.start() for start in starts[1:]] + [len(text)]
    return [(start["title"], " ".join(start["intro"].split()), entries(text[start.end():end])) for start, end in zip(starts, ends)]


def entries(text):
    """[(directive, name)] of what a piece of a header declares, in its order"""
    found = []
    kind = None
    for line in text.splitlines():
        if match := FUNCTION.match(line):
            found.append(("doxygenfunction", match.group(1)))
        elif match := VARIABLE.match(line):
            found.append(("doxygenvariable", match.group(1)))
        elif match := CALLBACK.match(line) or ALIAS.match(line):
            found.append(("doxygentypedef", match.group(1)))
        elif (match := MACRO.match(line)) and match.group(1) not in ("DINI_EXTERN", "DINI_PUBLIC"):
            found.append(("doxygendefine", match.group(1)))
        elif line.startswith("typedef enum"):
            kind = "doxygenenum"
        elif line.startswith("typedef struct {"):
            kind = "doxygenstruct"
        elif kind and (match := CLOSE.match(line)):
            found.append((kind, match.group(1)))
            kind = None
    return found


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


def summaries(xml):
    """{function: (level, brief line as reStructuredText)}, of the XML that complete() has finished"""
    return {function.findtext("name"): (function.findtext("detaileddescription/para/emphasis", ""), brief(function))
            for path in Path(xml).glob("dini*_8h.xml") for function in ElementTree.parse(path).iterfind(".//memberdef[@kind='function']")}


def brief(function):
    paragraph = function.find("briefdescription/para")
    if paragraph is None:
        return ""
    text = rst(paragraph.text)
    for node in paragraph:
        inner = "".join(node.itertext())
        text += (f"``{inner}``" if node.tag == "computeroutput" else rst(inner)) + rst(node.tail)
    return " ".join(text.split())


def rst(text):
    """Plain text with what reStructuredText would read as markup escaped, and functions, headers and options as code"""
    parts = re.split(r"(\b(?:Dini|Mat)\w+\(\)|\bdini\w*\.h\b|(?<!\S)-dini_\w+)", text or "")
    return "".join(f"``{part}``" if k % 2 else re.sub(r"([\\*`|_])", r"\\\1", part) for k, part in enumerate(parts))


def slug(title):
    return re.sub(r"[^a-z]+", "-", title.lower()).strip("-")


def table(names, summary):
    """The functions of a section with the level and the brief line of each"""
    lines = [".. list-table::", "   :class: functions", "   :widths: auto", ""]
    for name in names:
        level, words = summary.get(name, ("", ""))
        lines += [f"   * - ``{name}()``", f"     - {level}", f"     - {words}"]
    return lines + [""]


def heading(title, character):
    return [title, character * len(title), ""]


def page(header, title, introduction, entries, summary):
    """One section: its words, its functions, its types and constants"""
    functions = [entry for entry in entries if entry[0] == "doxygenfunction"]
    types = [entry for entry in entries if entry[0] != "doxygenfunction"]
    names = [name for _, name in functions]
    lines = heading(title, "=") + [rst(introduction), "", f"Declared in ``{header.name}``.", "", *table(names, summary)]
    for part, listed in (("Functions", functions), ("Types and constants", types)):
        lines += heading(part, "-") if listed else []
        for directive, name in listed:
            lines += [f".. {directive}:: {name}", *(["   :members:"] if directive == "doxygenstruct" else []), ""]
    return "\n".join(lines)


def write(headers, folder, summary):
    """Writes folder/index.rst and one page per section; a page that has not changed is left alone."""
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    pages = [(header, *section) for header in headers for section in sections(header)]
    texts = {}
    listing = heading("Functions by subject", "=")
    listing += ["Every public function, its level, and what it does. A name leads to its manual page.", ""]
    listing += [f":{level}: {words}." for level, words in LEVELS.items()] + [""]
    listing += [".. toctree::", "   :hidden:", ""] + [f"   {slug(title)}" for _, title, _, _ in pages] + [""]
    for header, title, introduction, listed in pages:
        names = [name for directive, name in listed if directive == "doxygenfunction"]
        texts[slug(title)] = page(header, title, introduction, listed, summary)
        listing += heading(f":doc:`{slug(title)}`", "-") + table(names, summary)
    texts["index"] = "\n".join(listing)
    for stale in set(folder.glob("*.rst")) - {folder / f"{name}.rst" for name in texts}:
        stale.unlink()
    for name, text in texts.items():
        path = folder / f"{name}.rst"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")

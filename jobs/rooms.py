#!/usr/bin/env python3
"""Who uses whom, from the object files of a build: no arrow may run up from a room into one above it.

  jobs/rooms.py [build directory]     default: build/release; exit 1 when an arrow runs up

A room is the folder of a source file below src/; an arrow is a name that one object file leaves undefined and another defines.
Rooms on one level are still tied to each other; what is taken out of a level gets one of its own.
"""
import collections
import os
import subprocess
import sys

LEVELS = [
    ["package"],
    ["check", "continuation", "spectral"],
    ["objective"],
    ["solvers"],
    ["core", "rules", "parameter"],
    ["linear"],
    ["sys"],
]


# What may be called from below: the first object created registers the types, as in PETSc
CALLED_FROM_BELOW = {"DiniInitializePackage"}


def symbols(path, which):
    out = subprocess.run(["nm", "-g", which, path], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in out.splitlines() if line.strip()}


def main():
    base = os.path.join(sys.argv[1] if len(sys.argv) > 1 else "build/release", "CMakeFiles", "dini.dir", "src")
    level = {room: k for k, rooms in enumerate(LEVELS) for room in rooms}
    files = {}
    for folder, _, names in os.walk(base):
        for name in names:
            path = os.path.join(folder, name)
            source = os.path.relpath(path, base)[: -len(".o")]
            if name.endswith(".c.o") and os.path.exists(os.path.join("src", source)):  # else left over in the build
                files[source] = path
    if not files:
        sys.exit(f"no object files of the library in {base}: build first")
    unknown = sorted({os.path.dirname(f) for f in files} - set(level))
    if unknown:
        sys.exit(f"rooms without a level in jobs/rooms.py: {' '.join(unknown)}")
    owner = {s: f for f, path in files.items() for s in symbols(path, "--defined-only")}
    up = collections.defaultdict(set)
    for f, path in files.items():
        for s in symbols(path, "--undefined-only"):
            g = owner.get(s)
            if s in CALLED_FROM_BELOW:
                continue
            if g and level[os.path.dirname(g)] < level[os.path.dirname(f)]:
                up[f].add(f"{s} of {g}")
    for f in sorted(up):
        print(f"{f} reaches up: {', '.join(sorted(up[f]))}")
    return int(bool(up))


sys.exit(main())

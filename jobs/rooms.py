#!/usr/bin/env python3
"""Who uses whom, from the object files of a build: no arrow may run up from a room into one above it.

  jobs/rooms.py [build directory]               default: build/release; exit 1 when an arrow runs up, or files of two rooms
                                                or more than six of a room use each other in a circle
  jobs/rooms.py --picture file.svg [directory]  the plan of the house, for docs/developers.rst

A room is the first folder of a source file below src/, whatever folders it has inside; an arrow is a name that one object
file leaves undefined and another defines.
"""
import collections
import os
import subprocess
import sys

# From the top down, and what lives there
ROOMS = {
    "package": "what there is to register",
    "check": "derivative and consistency checks",
    "continuation": "paths of a scalar parameter",
    "spectral": "eigenpairs, posteriors, singular values",
    "time": "chains of steps",
    "objective": "objectives, gradients, Hessians, Tao",
    "solvers": "who finds u",
    "active": "active set of a variational inequality",
    "core": "the object",
    "rules": "JVP and VJP: formulas",
    "parameter": "who knows F_m",
    "point": "u and J there, guards, linear solves",
    "difference": "steps, colours, patterns",
    "relation": "what F is, and calls of the application",
    "linear": "the engine: J x = b and J^H x = b",
    "sys": "norms, names, random numbers",
}


def room_of(source):
    return source.split(os.sep)[0]


def symbols(path, which):
    out = subprocess.run(["nm", "-g", which, path], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in out.splitlines() if line.strip()}


def read(build):
    """The arrows of a build: (from file, to file) -> names."""
    base = os.path.join(build, "CMakeFiles", "dini.dir", "src")
    files = {}
    for folder, _, names in os.walk(base):
        for name in names:
            path = os.path.join(folder, name)
            source = os.path.relpath(path, base)[: -len(".o")]
            if name.endswith(".c.o") and os.path.exists(os.path.join("src", source)):  # else left over in the build
                files[source] = path
    if not files:
        sys.exit(f"no object files of the library in {base}: build first")
    unknown = sorted({room_of(f) for f in files} - set(ROOMS))
    if unknown:
        sys.exit(f"rooms without a place in jobs/rooms.py: {' '.join(unknown)}")
    owner = {s: f for f, path in files.items() for s in symbols(path, "--defined-only")}
    arrows = collections.defaultdict(set)
    for f, path in files.items():
        for s in symbols(path, "--undefined-only"):
            if s in owner and owner[s] != f:
                arrows[f, owner[s]].add(s)
    return files, arrows


def circle_of(file, uses):
    """The files that `file` uses and that use it, directly or not."""

    def reached(start, edges):
        seen, todo = {start}, [start]
        while todo:
            for g in edges[todo.pop()] - seen:
                seen.add(g)
                todo.append(g)
        return seen

    used_by = collections.defaultdict(set)
    for f, gs in uses.items():
        for g in gs:
            used_by[g].add(f)
    return reached(file, uses) & reached(file, used_by)


def faults(files, arrows):
    level = {room: k for k, room in enumerate(ROOMS)}
    up, uses = collections.defaultdict(set), collections.defaultdict(set)
    for (f, g), names in arrows.items():
        uses[f].add(g)
        if level[room_of(g)] < level[room_of(f)]:
            up[f] |= {f"{s} of {g}" for s in names}
    found = [f"{f} reaches up: {', '.join(sorted(up[f]))}" for f in sorted(up)]
    seen = set()
    for f in sorted(files):
        circle = set() if f in seen else circle_of(f, uses)
        seen |= circle
        if len(circle) > 6 or len({room_of(g) for g in circle}) > 1:
            found.append(f"a circle of {len(circle)} files: {' '.join(sorted(circle))}")
    return found


def picture(path, files, arrows):
    """Rooms from the top down, each with the lines that run down from it; a line is as wide as it has names."""
    rooms, step, left = list(ROOMS), 44, 420
    count = collections.Counter(room_of(f) for f in files)
    lines = collections.defaultdict(set)
    for (f, g), names in arrows.items():
        a, b = rooms.index(room_of(f)), rooms.index(room_of(g))
        if a != b:
            lines[a, b] |= names
    height, width = step * len(rooms) + 10, left + 310
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for (a, b), names in sorted(lines.items(), key=lambda x: -len(x[1])):
        y, z = step * a + 31, step * b + 21
        bow = 34 + 19 * (b - a)
        wide = min(9.0, 0.6 + 0.12 * len(names))
        out.append(
            f'<path d="M{left} {y} C{left + bow} {y} {left + bow} {z} {left} {z}" fill="none" stroke="#3b6ea5" '
            f'stroke-opacity="0.45" stroke-width="{wide:.1f}"><title>{rooms[a]} uses {len(names)} names of {rooms[b]}</title></path>'
        )
    for k, room in enumerate(rooms):
        y = step * k + 8
        out.append(f'<rect x="4" y="{y}" width="{left - 4}" height="{step - 10}" rx="5" fill="#eef3f8" stroke="#3b6ea5"/>')
        out.append(f'<text x="14" y="{y + 22}" font-weight="bold">{room}</text>')
        out.append(f'<text x="116" y="{y + 22}" fill="#333333">{ROOMS[room]}</text>')
        out.append(f'<text x="{left - 8}" y="{y + 22}" text-anchor="end" fill="#777777">{count[room]}</text>')
    out.append("</svg>")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")


def main():
    args, path = sys.argv[1:], None
    if args and args[0] == "--picture":
        path, args = args[1], args[2:]
    files, arrows = read(args[0] if args else "build/release")
    if path:
        picture(path, files, arrows)
        return 0
    found = faults(files, arrows)
    print("\n".join(found), end="\n" if found else "")
    return int(bool(found))


sys.exit(main())

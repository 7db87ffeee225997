#!/usr/bin/env python3
"""Checks the source tree against the code map in docs/ARCHITECTURE.md.

The code map is the fenced block that starts with "```code-map": one module a line, in the order
in which modules may use each other, as `path: purpose`. This script fails when
  - a folder with sources is not in the map, or a folder of the map does not exist;
  - a file includes a module that stands later in the map (or the same floor's private folder);
  - an engine includes transport, JSON or the domain, or starts a thread by itself;
  - a header lacks `#pragma once`, a source does not include its own header first;
  - a source file is not listed in its module's CMakeLists.txt.
Run by `make check` and `make test`; `--self-test` shows that each rule can fail.
"""
import pathlib
import re
import sys
import tempfile

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
SYSTEM_INCLUDE = re.compile(r'^\s*#\s*include\s+<([^>]+)>', re.M)

# (files below, forbidden system include prefix, what to use instead)
FORBIDDEN = [
    ("src/engine/", "boost/asio", "engines know no network: take an interface"),
    ("src/engine/", "boost/beast", "engines know no HTTP"),
    ("src/engine/", "simdjson", "engines know no JSON"),
    ("src/engine/", "thread", "engines get threads from base/executor.h"),
    ("src/domain/", "boost/asio", "the domain knows no network"),
    ("src/domain/", "boost/beast", "the domain knows no HTTP"),
    ("src/service/", "boost/beast", "services know no transport"),
]


def read_map(root):
    text = (root / "docs/ARCHITECTURE.md").read_text()
    block = re.search(r"```code-map\n(.*?)```", text, re.S)
    if not block:
        return None
    modules = []
    for line in block.group(1).splitlines():
        if line.strip() and not line.startswith("#"):
            modules.append(line.split(":")[0].strip())
    return modules


def check(root):
    problems = []
    modules = read_map(root)
    if modules is None:
        return ["docs/ARCHITECTURE.md: no ```code-map block"]
    order = {module: i for i, module in enumerate(modules)}
    for module in modules:
        if not (root / "src" / module).is_dir():
            problems.append(f"docs/ARCHITECTURE.md: the code map lists {module}, but src/{module} does not exist")
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in (".h", ".cc"):
            continue
        name = path.relative_to(root).as_posix()
        inside = path.relative_to(root / "src")
        module = next((m for m in sorted(modules, key=len, reverse=True)
                       if inside.as_posix().startswith(m + "/")), None)
        if module is None:
            problems.append(f"{name}: its folder is not in the code map of docs/ARCHITECTURE.md")
            continue
        text = path.read_text()
        includes = INCLUDE.findall(text)
        for include in includes:
            target = next((m for m in sorted(modules, key=len, reverse=True)
                           if include.startswith(m + "/")), None)
            if target is None:
                problems.append(f'{name}: includes "{include}", which is in no module; write the path from src/')
            elif order[target] > order[module]:
                problems.append(f'{name}: includes "{include}", but {target} comes after {module} in the code map')
            elif target != module and "/internal/" in include:
                problems.append(f'{name}: includes "{include}", a private header of {target}')
        for include in SYSTEM_INCLUDE.findall(text):
            for below, prefix, instead in FORBIDDEN:
                # Tests may start threads: they are the ones who call from several.
                if name.startswith(below) and include.startswith(prefix) and "_test.cc" not in name:
                    problems.append(f"{name}: includes <{include}>: {instead}")
        if path.suffix == ".h" and "#pragma once" not in text:
            problems.append(f"{name}: no #pragma once")
        own = path.with_suffix(".h")
        if path.suffix == ".cc" and own.exists():
            first = includes[0] if includes else ""
            if first != own.relative_to(root / "src").as_posix():
                problems.append(f"{name}: must include its own header first")
        lists = [p / "CMakeLists.txt" for p in path.parents if (p / "CMakeLists.txt").exists()]
        relative = path.relative_to(lists[0].parent).as_posix() if lists else path.name
        if not lists or relative not in lists[0].read_text().split() and \
                not re.search(r"[\s(]" + re.escape(relative) + r"[\s)]", lists[0].read_text()):
            problems.append(f"{name}: not listed in a CMakeLists.txt")
    return problems


def self_test():
    """Builds a small tree that breaks each rule once and expects every one to be reported."""
    expected = ["not in the code map", "does not exist", "comes after", "private header", "no network",
                "no #pragma once", "own header first", "not listed", "in no module"]
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        files = {
            "docs/ARCHITECTURE.md": "```code-map\nbase: x\nengine/a: x\nengine/b: x\nengine/gone: x\n```\n",
            "src/base/CMakeLists.txt": "x.h x.cc\n",
            "src/base/x.h": "#pragma once\n",
            "src/base/x.cc": '#include "engine/b/b.h"\n#include "base/x.h"\n',
            "src/engine/a/CMakeLists.txt": "a.h\n",
            "src/engine/a/a.h": "#include <boost/asio.hpp>\n#include \"nowhere.h\"\n",
            "src/engine/b/CMakeLists.txt": "\n",
            "src/engine/b/b.h": '#pragma once\n#include "engine/a/internal/i.h"\n',
            "src/stray/s.h": "#pragma once\n",
        }
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        found = "\n".join(check(root))
        missing = [e for e in expected if e not in found]
        if missing:
            print(f"check_tree: self-test: these rules did not fire: {missing}\n{found}")
            return 1
    print("check_tree: self-test passed, 9 rules fire")
    return 0


def main():
    if "--self-test" in sys.argv:
        return self_test()
    root = pathlib.Path(__file__).resolve().parent.parent
    problems = check(root)
    for problem in problems:
        print(problem)
    if problems:
        print(f"check_tree: {len(problems)} problems")
        return 1
    print("check_tree: the tree matches the code map")
    return 0


if __name__ == "__main__":
    sys.exit(main())

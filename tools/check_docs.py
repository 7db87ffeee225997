#!/usr/bin/env python3
"""Checks the documents against themselves and against the sources.

This script fails when
  - a relative link in a *.md file leads to a file or heading that does not exist;
  - a source file speaks of a document (docs/...) that does not exist;
  - docs/openapi.json is not JSON, has a $ref that leads nowhere, or an operation without operationId,
    summary, description, or an example of a request or response body;
  - the operations of docs/openapi.json are not those of the route table (src/edge/api/api.cc);
  - docs/api/errors.md and the error codes that the sources can give differ, in either direction;
  - the reject codes or event types of docs/openapi.json are not those of the sources.
`--self-test` shows that each rule can fail. Needs nothing but Python 3.
"""
import json
import pathlib
import re
import sys
import tempfile
import urllib.parse

SKIPPED_FOLDERS = {"build", ".git", "node_modules"}
METHODS = ("get", "put", "post", "patch", "delete", "options", "head")

CODE = r'"([a-z][a-z0-9_]*)"'
# Where sources name an error code. All of them are literals, so that this can find them.
CODE_PATTERNS = [re.compile(p) for p in (
    r"with_reason\(\s*" + CODE,
    r"\brefused?\(\s*(?:ErrorCode::\w+|\d{3}),\s*" + CODE,
    r"\brefused\(\s*" + CODE,
    r"\b(?:passing_)?problem(?:_response)?\(\s*\d{3},\s*" + CODE,
    r"\breturn \{\d{3},\s*" + CODE,
    r"\bbad\.push_back\(\{\w+,\s*" + CODE,
    r"string_view k\w+ = \"(filter_[a-z_]+)\"",
)]


def lists_of_codes(text):
    """The codes of the two tables: names of ErrorCode, names of RejectCode."""
    codes = []
    function = re.search(r"error_code_name\(ErrorCode code\) \{(.*?)\n\}", text, re.S)
    if function:
        codes += re.findall(r"return " + CODE, function.group(1))
    return codes + reject_codes(text)


def reject_codes(text):
    table = re.search(r"kRejectNames = \{(.*?)\};", text, re.S)
    return re.findall(CODE, table.group(1)) if table else []


def sources(root):
    for folder in ("src", "apps"):
        for path in sorted((root / folder).rglob("*")):
            name = path.name
            if path.suffix in (".h", ".cc") and not re.search(r"(_test|_fuzz|_bench)\.cc$|_test_util\.h$", name):
                yield path


def codes_in_sources(root):
    found = {}
    for path in sources(root):
        text = path.read_text()
        codes = [c for pattern in CODE_PATTERNS for c in pattern.findall(text)] + lists_of_codes(text)
        for code in codes:
            found.setdefault(code, path.relative_to(root).as_posix())
    return found


def without_code(text):
    """Markdown without fenced blocks and code spans, whose brackets are no links."""
    text = re.sub(r"^(```|~~~).*?^\1[^\n]*$", "", text, flags=re.S | re.M)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(text):
    """Anchors of a document: explicit ones, and headings as GitHub names them."""
    out = set(re.findall(r'<a id="([^"]+)"', text))
    fenceless = re.sub(r"^(```|~~~).*?^\1[^\n]*$", "", text, flags=re.S | re.M)
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", fenceless, re.M):
        slug = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", slug).replace(" ", "-")
        number = 0
        while (slug if number == 0 else f"{slug}-{number}") in out:
            number += 1
        out.add(slug if number == 0 else f"{slug}-{number}")
    return out


def documents(root):
    for path in sorted(root.rglob("*.md")):
        if not SKIPPED_FOLDERS & set(path.relative_to(root).parts):
            yield path


def check_links(root):
    problems = []
    for path in documents(root):
        name = path.relative_to(root).as_posix()
        for target in re.findall(r"\]\(([^)\s]+)(?: \"[^\"]*\")?\)", without_code(path.read_text())):
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            file, _, anchor = urllib.parse.unquote(target).partition("#")
            aim = (path.parent / file).resolve() if file else path
            if not aim.exists():
                problems.append(f"{name}: the link {target} leads to no file")
            elif anchor and aim.suffix == ".md" and anchor not in anchors(aim.read_text()):
                problems.append(f"{name}: the link {target} leads to no heading or anchor")
    return problems


def check_mentions(root):
    """Comments in the code point to documents by their path from the root."""
    problems = []
    for folder in ("src", "apps", "bench", "tests", "tools", "cmake"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in (".h", ".cc", ".cmake", ".in") or SKIPPED_FOLDERS & set(path.relative_to(root).parts):
                continue
            for document in sorted(set(re.findall(r"\bdocs/[a-z0-9/_-]+\.(?:md|json)\b", path.read_text(errors="replace"), re.I))):
                if not (root / document).exists():
                    problems.append(f"{path.relative_to(root).as_posix()}: speaks of {document}, which does not exist")
    return problems


def find_ref(document, ref):
    """What a local reference points to, None where it points to nothing."""
    if not ref.startswith("#/"):
        return None
    at = document
    for part in ref[2:].split("/"):
        part = urllib.parse.unquote(part).replace("~1", "/").replace("~0", "~")
        if not isinstance(at, dict) or part not in at:
            return None
        at = at[part]
    return at


def check_refs(document, at, where, problems):
    if isinstance(at, dict):
        ref = at.get("$ref")
        if isinstance(ref, str) and find_ref(document, ref) is None:
            problems.append(f"docs/openapi.json: {where}: $ref {ref} leads nowhere")
        for key, value in at.items():
            check_refs(document, value, f"{where}/{key}", problems)
    elif isinstance(at, list):
        for i, value in enumerate(at):
            check_refs(document, value, f"{where}/{i}", problems)


def has_examples(body):
    content = body.get("content", {})
    return all("example" in media or media.get("examples") for media in content.values())


def operations(document):
    for path, item in document.get("paths", {}).items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def check_operations(document):
    problems = []
    names = set()
    for method, path, operation in operations(document):
        where = f"docs/openapi.json: {method} {path}"
        for field in ("operationId", "summary", "description", "responses"):
            if not operation.get(field):
                problems.append(f"{where}: no {field}")
        name = operation.get("operationId")
        if name in names:
            problems.append(f"{where}: operationId {name} is used twice")
        names.add(name)
        if not has_examples(operation.get("requestBody", {})):
            problems.append(f"{where}: the request body has no example")
        for status, response in operation.get("responses", {}).items():
            if "$ref" in response:
                response = find_ref(document, response["$ref"]) or {}
            if not has_examples(response):
                problems.append(f"{where}: response {status} has no example")
    return problems


def check_routes(root, document):
    table = root / "src/edge/api/api.cc"
    if not table.exists():
        return []
    routes = {(method.upper(), pattern, name) for method, pattern, name in
              re.findall(r'Route\{Method::k(\w+),\s*"([^"]+)",\s*"(\w+)"', table.read_text())}
    if not routes:
        return ["src/edge/api/api.cc: no route table was found there"]
    described = {(method, path, operation.get("operationId")) for method, path, operation in operations(document)}
    return [f"docs/openapi.json: the route {m} {p} ({n}) is not described" for m, p, n in sorted(routes - described)] + \
           [f"docs/openapi.json: {m} {p} ({n}) is no route of src/edge/api/api.cc"
            for m, p, n in sorted(described - routes, key=str)]


def check_enums(root, document):
    problems = []
    schemas = document.get("components", {}).get("schemas", {})
    reader = root / "src/domain/event/event_json.cc"
    if reader.exists() and "RejectedEvent" in schemas:
        described = schemas["RejectedEvent"]["properties"]["code"].get("enum", [])
        if sorted(described) != sorted(reject_codes(reader.read_text())):
            problems.append("docs/openapi.json: the codes of RejectedEvent are not those of src/domain/event/event_json.cc")
    types = root / "src/domain/event/event.cc"
    if types.exists() and "Event" in schemas:
        table = re.search(r"kNames = \{(.*?)\};", types.read_text(), re.S)
        names = [n for n in re.findall(r'"([^"]*)"', table.group(1)) if n] if table else []
        described = schemas["Event"]["properties"]["type"]["anyOf"][0].get("enum", [])
        if sorted(described) != sorted(names):
            problems.append("docs/openapi.json: the event types are not those of src/domain/event/event.cc")
    return problems


def check_openapi(root):
    try:
        document = json.loads((root / "docs/openapi.json").read_text())
    except (OSError, ValueError) as error:
        return [f"docs/openapi.json: {error}"]
    problems = []
    check_refs(document, document, "#", problems)
    return problems + check_operations(document) + check_routes(root, document) + check_enums(root, document)


def check_errors(root):
    page = root / "docs/api/errors.md"
    if not page.exists():
        return ["docs/api/errors.md: does not exist"]
    rows = re.findall(r'^\| <a id="([^"]+)"></a>`([^`]+)`', page.read_text(), re.M)
    problems = [f"docs/api/errors.md: the anchor of {code} is {anchor}" for anchor, code in rows if anchor != code]
    described = [code for _, code in rows]
    problems += [f"docs/api/errors.md: {code} is described twice"
                 for code in sorted(set(described)) if described.count(code) > 1]
    given = codes_in_sources(root)
    problems += [f"docs/api/errors.md: {code} ({given[code]}) is not described" for code in sorted(set(given) - set(described))]
    problems += [f"docs/api/errors.md: {code} is given by no source" for code in sorted(set(described) - set(given))]
    return problems


def check(root):
    return check_links(root) + check_mentions(root) + check_openapi(root) + check_errors(root)


def self_test():
    """Builds a small tree that breaks each rule once and expects every one to be reported."""
    expected = ["leads to no file", "leads to no heading", "leads nowhere", "no summary", "is used twice",
                "request body has no example", "response 200 has no example", "(getGone) is not described",
                "(getStray) is no route", "new_code (src/edge/api/api.cc) is not described", "old_code is given by no source",
                "the anchor of same is other", "same is described twice", "codes of RejectedEvent", "event types",
                "speaks of docs/gone.md"]
    operation = {"operationId": "getStray", "description": "x", "requestBody": {"content": {"application/json": {}}},
                 "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/gone"}}}}}}
    schemas = {"RejectedEvent": {"properties": {"code": {"enum": ["made_up"]}}},
               "Event": {"properties": {"type": {"anyOf": [{"enum": ["made-up"]}]}}}}
    files = {
        "README.md": "# A\n[x](gone.md) [y](#b) [z](#a) `[code](is-no-link.md)`\n```\n[nor](this.md)\n```\n",
        "docs/openapi.json": json.dumps({"paths": {"/a": {"get": operation, "put": operation}}, "components": {"schemas": schemas}}),
        "docs/api/errors.md": '| <a id="other"></a>`same` |\n| <a id="same"></a>`same` |\n| <a id="old_code"></a>`old_code` |\n',
        "src/edge/api/api.cc": 'Route{Method::kGet, "/gone", "getGone"};\nwith_reason("new_code"); problem_response(400, "same", x);\n',
        "src/domain/event/event_json.cc": 'kRejectNames = {"same"};\n',
        "src/domain/event/event.cc": 'kNames = {"", "search"};\n',
        "bench/a.cc": "// docs/gone.md and docs/openapi.json\n",
    }
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        found = "\n".join(check(root))
        missing = [e for e in expected if e not in found]
        wrong = [e for e in ("is-no-link", "this.md", "(#a)") if e in found]
        (root / "docs/openapi.json").write_text("{")
        if not any(p.startswith("docs/openapi.json: ") for p in check_openapi(root)):
            missing.append("broken JSON")
        if missing or wrong:
            print(f"check_docs: self-test: did not fire: {missing}; fired wrongly: {wrong}\n{found}")
            return 1
    print(f"check_docs: self-test passed, {len(expected) + 1} rules fire")
    return 0


def main():
    if "--self-test" in sys.argv:
        return self_test()
    problems = check(pathlib.Path(__file__).resolve().parent.parent)
    for problem in problems:
        print(problem)
    if problems:
        print(f"check_docs: {len(problems)} problems")
        return 1
    print("check_docs: the documents hold together and match the sources")
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Cuts two text corpora from Debian packages, for `make bench-text`.

  short.txt   at most 15 tokens a line: package summaries, headings, first sentences of paragraphs
  long.txt    passages of 120 to 300 tokens: manuals, dictionaries, source comments, descriptions

One document a line, tokens separated by one space: lower-cased runs of letters and digits (bytes
of 0x80 and above count as letters), at most 40 bytes each, so that every engine sees the same.
Paragraphs seen more than 3 times in a package are dropped, equal short texts are kept once.
Each 500th document goes to NAME.held-out.txt, from which queries are drawn, and not to NAME.txt.

Packages are fetched with `apt-get download` into DIR/packages and kept; they are read in the order
of PACKAGES until there are enough passages, so the same archive gives the same bytes.

  make_text_corpus.py --out build/bench-data/text [--long 900000] [--short 1200000] [--jobs 2]

With --own FILE it cuts that file instead, each of its documents into one line, into the same tokens:
NDJSON, TSV or plain lines, also as .gz. What it is says the name's ending (.ndjson, .jsonl, .tsv),
else the first line (a JSON object; a tab). Taken of each document are the members or columns given
by --fields (names, or numbers of columns from 1), else those called text, title or body, else all
strings of an object and the last column. A TSV's first line is a head if it has the names looked
for. Longer tokens than 40 bytes are left out, and so are documents without tokens; equal documents
are kept. It says on stdout what it took.

  make_text_corpus.py --out build/bench-data/text/own --own FILE --name NAME [--fields title,body]
"""
import argparse
import collections
import concurrent.futures
import gzip
import io
import itertools
import json
import lzma
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import time
import zlib

# In this order: prose first, generated reference manuals behind it.
PACKAGES = """
dict-gcide dict-wn dict-foldoc dict-jargon dict-vera debian-handbook debian-policy
developers-reference maint-guide debmake-doc bible-kjv-text linux-doc-6.1 manpages
manpages-dev perl-doc python3.11-doc sqlite3-doc postgresql-doc-15 git-doc vim-doc apache2-doc
cmake-doc bind9-doc kea-doc gnuplot-doc octave-doc maxima-doc gap-doc pari-doc lilypond-doc-html
racket-doc erlang-doc ghc-doc nodejs-doc twisted-doc python-django-doc python-sqlalchemy-doc
python-celery-doc sphinx-doc krb5-doc zsh-doc ffmpeg-doc lammps-doc grass-doc csound-doc
dpdk-doc llvm-14-doc libboost1.81-doc gnome-user-docs gnome-devel-docs rust-doc nova-doc
keystone-doc neutron-doc cinder-doc python-pandas-doc python-scipy-doc python-statsmodels-doc
python-sympy-doc python-astropy-doc cppreference-doc-en-html qtbase5-doc-html
qtdeclarative5-doc-html libgtk-3-doc libgtk-4-doc openjdk-17-doc scala-doc groovy-doc derby-doc
ant-doc fop-doc icu-doc libapache-poi-java-doc weka-doc libjfreechart-java-doc libghc-pandoc-doc
libstdc++-12-doc sagemath-doc singular-doc petsc3.18-doc python-sklearn-doc quantlib-refman-html
libsbml5-doc libpcl-doc libvisp-doc openms-doc casacore-doc rust-web-doc sumo-doc linux-source-6.1
""".split()

TOKEN_TABLE = bytes(
    c + 32 if 65 <= c <= 90 else c if 97 <= c <= 122 or 48 <= c <= 57 or c >= 128 else 32
    for c in range(256))
BLOCK_END = re.compile(rb"</?(?:p|li|h[1-6]|td|th|dt|dd|div|pre|tr|ul|ol|dl|table|title|br)\b[^>]*>", re.I)
DROPPED = re.compile(rb"<(script|style|head)\b.*?</\1>|<!--.*?-->", re.I | re.S)
TITLE = re.compile(rb"<title>(.*?)</title>", re.I | re.S)
TAG = re.compile(rb"<[^>]*>")
ENTITY = re.compile(rb"&#?\w{1,8};")
COMMENT = re.compile(rb"/\*(.*?)\*/", re.S)
ROFF = re.compile(rb"\\(?:f[BIRP]|f\(..|\(..|\*\(..|[&e-])|^['.].*$", re.M)
PARAGRAPH = re.compile(rb"\n[ \t*#]*\n")
SENTENCE = re.compile(rb"[.!?;:](?=\s)")
TEXT_SUFFIXES = (".txt", ".rst", ".md", ".pod", ".text", ".adoc", ".texi", ".dic", ".xml", ".page")
FILE_BYTES_MAX = 64 << 20


def paragraphs_of(name, data):
    low = name.lower()
    if low.endswith((".gz", ".dz")):
        try:
            data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(FILE_BYTES_MAX)
        except (OSError, EOFError, zlib.error):
            return []
        low = low.rsplit(".", 1)[0] if low.endswith(".gz") else low
    if low.endswith((".html", ".htm", ".xhtml", ".page", ".xml")):
        titles = TITLE.findall(data)
        data = b"\n\n".join(titles) + b"\n\n" + DROPPED.sub(b" ", data)
        data = TAG.sub(b" ", BLOCK_END.sub(b"\n\n", data))
        data = ENTITY.sub(b" ", data)
    elif low.endswith((".c", ".h")):
        data = b"\n\n".join(c.replace(b"\n *\n", b"\n\n") for c in COMMENT.findall(data))
    elif "/man/man" in low:
        data = ROFF.sub(b" ", data)
    elif not low.endswith(TEXT_SUFFIXES + (".dict.dz",)) and "/documentation/" not in low:
        return []
    return PARAGRAPH.split(data)


def tokens_of(text):
    return [t for t in text.translate(TOKEN_TABLE).split() if len(t) <= 40]


class Cutter:
    """Passages of one package: paragraphs of a file are put together up to 120..300 tokens."""

    def __init__(self):
        self.seen = collections.Counter()
        self.long = []
        self.short = []

    def add_file(self, name, data):
        passage = []
        for paragraph in paragraphs_of(name, data):
            tokens = tokens_of(paragraph)
            if len(tokens) < 3:
                continue
            key = zlib.crc32(b" ".join(tokens))
            self.seen[key] += 1
            if self.seen[key] > 3:
                continue
            first = tokens_of(SENTENCE.split(paragraph, 1)[0])
            if 3 <= len(first) <= 15:
                self.short.append(b" ".join(first))
            # A piece at a time: some files are one paragraph of millions of words.
            for begin in range(0, len(tokens), 300):
                passage += tokens[begin:begin + 300]
                while len(passage) >= 300 or (len(passage) >= 120 and len(tokens) > 8):
                    cut = min(len(passage), 300) if len(passage) < 420 else 200
                    self.long.append(b" ".join(passage[:cut]))
                    passage = passage[cut:]
                    if len(passage) < 120:
                        break
        # The rest of a file below 120 tokens is not a passage.


def walk(archive, cutter, inner):
    for member in archive:
        if not member.isfile() or member.size > FILE_BYTES_MAX and not member.name.endswith(".tar.xz"):
            continue
        stream = archive.extractfile(member)
        if stream is None:
            continue
        if member.name.endswith(".tar.xz") and not inner:
            with lzma.open(stream) as unpacked, tarfile.open(fileobj=unpacked, mode="r|") as nested:
                walk(nested, cutter, True)
            continue
        cutter.add_file("/" + member.name, stream.read())


def cut_package(task):
    path, out = task
    cutter = Cutter()
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(path)], stdout=subprocess.PIPE) as unpack:
        with tarfile.open(fileobj=unpack.stdout, mode="r|") as archive:
            walk(archive, cutter, False)
    for kind, lines in (("long", cutter.long), ("short", cutter.short)):
        temporary = pathlib.Path(f"{out}.{kind}.tmp")
        temporary.write_bytes(b"".join(line + b"\n" for line in lines))
        temporary.rename(f"{out}.{kind}")
    return path.name, len(cutter.long), len(cutter.short)


def fetch(package, folder):
    have = sorted(folder.glob(package.replace("+", "[+]") + "_*.deb"))
    if have:
        return have[0]
    done = subprocess.run(["apt-get", "download", package], cwd=folder, capture_output=True, text=True)
    have = sorted(folder.glob(package.replace("+", "[+]") + "_*.deb"))
    if done.returncode != 0 or not have:
        print(f"corpus: {package} is not to be had: {done.stderr.strip()[-120:]}", file=sys.stderr)
        return None
    return have[0]


def descriptions():
    """(short, long) texts of the package lists: name and summary; the long description."""
    text = subprocess.run(["apt-cache", "dumpavail"], capture_output=True).stdout
    short, long = [], []
    for block in text.split(b"\n\n"):
        name = re.search(rb"^Package: (.*)$", block, re.M)
        body = re.search(rb"^Description[^:\n]*: (.*(?:\n .*)*)", block, re.M)
        if name and body:
            lines = body.group(1).split(b"\n")
            short.append(b" ".join(tokens_of(name.group(1) + b" " + lines[0])[:15]))
            tokens = tokens_of(body.group(1))
            if len(tokens) >= 120:
                long.append(b" ".join(tokens[:300]))
    return short, long


def unequal(lines):
    seen = set()
    for line in lines:
        key = hash(line)
        if key not in seen:
            seen.add(key)
            yield line


def write_corpus(out, name, lines, limit=None):
    kept = 0
    with open(out / f"{name}.txt.tmp", "wb") as corpus, open(out / f"{name}.held-out.txt.tmp", "wb") as held:
        for line in itertools.islice(lines, limit):
            kept += 1
            (held if kept % 500 == 0 else corpus).write(line + b"\n")
    for suffix in (".txt", ".held-out.txt"):
        os.rename(out / f"{name}{suffix}.tmp", out / f"{name}{suffix}")
    print(f"corpus: {name}: {kept} documents", file=sys.stderr)
    return kept


USUAL_FIELDS = ("title", "text", "body")


def strings_of(value):
    return [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, str)]


def is_object(line):
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def json_texts(lines, fields, taken):
    """The texts of the objects, one a line; what is taken is decided by the first, said to `taken`."""
    names = fields
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            document = json.loads(line)
        except ValueError as error:
            sys.exit(f"corpus: line {number} is not JSON: {error}")
        if not isinstance(document, dict):
            sys.exit(f"corpus: line {number} is not a JSON object")
        if not taken:
            names = fields or [n for n in USUAL_FIELDS if strings_of(document.get(n))]
            taken.append("NDJSON, " + ("members " + ", ".join(names) if names else "all strings"))
        values = [document.get(n) for n in names] if names else document.values()
        yield " ".join(t for v in values for t in strings_of(v)).encode("utf-8", "replace")


def column_texts(lines, fields, taken):
    columns = [-1]
    for number, line in enumerate(lines, 1):
        cells = line.split(b"\t")
        if number == 1:
            head = [c.decode("utf-8", "replace").strip().lower() for c in cells]
            if fields and all(f.isdigit() and 1 <= int(f) <= len(cells) for f in fields):
                columns = [int(f) - 1 for f in fields]
            elif fields and any(f.lower() not in head for f in fields):
                sys.exit(f"corpus: no columns {', '.join(fields)} in the first line, which has: {', '.join(head)}")
            else:
                named = [head.index(f.lower()) for f in fields or USUAL_FIELDS if f.lower() in head]
                columns = named or columns
            said = "the last column" if columns == [-1] else "columns " + ", ".join(str(c + 1) for c in columns)
            is_head = columns != [-1] and not (fields and fields[0].isdigit())
            taken.append(f"TSV, {said}" + (", the first line is a head" if is_head else ""))
            if is_head:
                continue
        yield b" ".join(cells[c] for c in columns if c < len(cells))


def cut_own(path, out, name, fields):
    opened = gzip.open if path.name.endswith(".gz") else open
    stem = path.name.removesuffix(".gz").lower()
    with opened(path, "rb") as file:
        first = file.readline()
        file.seek(0)
        lines = (line.rstrip(b"\r\n") for line in file)
        taken = []
        if stem.endswith((".ndjson", ".jsonl")) or (is_object(first) and not stem.endswith(".tsv")):
            texts = json_texts(lines, fields, taken)
        elif stem.endswith(".tsv") or b"\t" in first:
            texts = column_texts(lines, fields, taken)
        else:
            taken.append("plain lines")
            texts = lines
        documents = (b" ".join(tokens_of(text)) for text in texts)
        kept = write_corpus(out, name, (d for d in documents if d))
    print(f"{path}: {(taken or ['nothing'])[0]}; {kept - kept // 500} documents to search, {kept // 500} held out "
          "for queries", flush=True)
    if kept < 500:
        sys.exit(f"corpus: {path} has {kept} documents with words; each 500th is held out for queries, so it takes 500 "
                 "at least")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--long", type=int, default=900_000)
    parser.add_argument("--short", type=int, default=1_200_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--own", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--name", default="own")
    parser.add_argument("--fields", default="")
    args = parser.parse_args()
    if args.own:
        args.out.mkdir(parents=True, exist_ok=True)
        try:
            cut_own(args.own, args.out, args.name, [f for f in args.fields.split(",") if f])
        except (OSError, EOFError, zlib.error) as error:
            sys.exit(f"corpus: {args.own} can't be read: {error}")
        return
    packages, parts = args.out / "packages", args.out / "parts"
    packages.mkdir(parents=True, exist_ok=True)
    parts.mkdir(exist_ok=True)
    if all((args.out / f"{n}.txt").exists() for n in ("short", "long")):
        print("corpus: both are there already", file=sys.stderr)
        return
    started = time.time()
    done = {}
    passages = 0
    running = {}

    def collect(until):
        """Takes in what is cut until at most `until` packages are under way."""
        nonlocal passages
        while len(running) > until:
            finished, _ = concurrent.futures.wait(running.values(), return_when=concurrent.futures.FIRST_COMPLETED)
            for name in [n for n, f in running.items() if f in finished]:
                _, long_count, short_count = running.pop(name).result()
                passages += long_count
                print(f"corpus: {time.time() - started:5.0f} s  {name}: {long_count} passages, "
                      f"{short_count} short texts; {passages} passages so far", file=sys.stderr, flush=True)

    with concurrent.futures.ProcessPoolExecutor(args.jobs) as pool:
        for package in PACKAGES:
            if (parts / f"{package}.short").exists():
                with open(parts / f"{package}.long", "rb") as part:
                    passages += sum(1 for _ in part)
            else:
                path = fetch(package, packages)
                if path is None:
                    continue
                running[package] = pool.submit(cut_package, (path, parts / package))
            done[package] = None
            # One more than work at a time, so that the next download overlaps and no package is
            # cut in vain.
            collect(args.jobs)
            if passages > args.long * 1.05:
                break
        collect(0)
    short, long = descriptions()

    def lines_of(kind, first):
        yield from first
        for package in done:
            path = parts / f"{package}.{kind}"
            if path.exists():
                with open(path, "rb") as part:
                    for line in part:
                        yield line.rstrip(b"\n")

    write_corpus(args.out, "long", unequal(lines_of("long", long)), args.long)
    write_corpus(args.out, "short", unequal(lines_of("short", short)), args.short)


if __name__ == "__main__":
    main()

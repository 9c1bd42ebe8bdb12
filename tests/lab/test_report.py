#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What fwnmi report makes of made-up results, and how a browser shows the page. Speaks TAP.

usage: test_report.py FWNMI MAKE_RESULTS
"""

import collections
import html.parser
import json
import os
import pty
import re
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree
import zlib

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import made_up  # noqa: E402
import tap  # noqa: E402

FWNMI, MAKE_RESULTS = map(os.path.abspath, sys.argv[1:3])
PATIENCE = 120  # seconds; only ends hung tests
TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Scratch:
    """A directory of results."""

    def __init__(self, path):
        self.path = path

    def name(self, name):
        return os.path.join(self.path, name)

    def results(self, name, made):
        return made_up.write(MAKE_RESULTS, self.name(name), made)


def report(*args, **popen):
    return subprocess.run(
        [FWNMI, "report", *args],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        **popen,
    )


def shown(status, *args):
    done = report(*args)
    assert done.returncode == status, f"{args}: exit {done.returncode}, not {status}: {done.stderr}"
    assert done.stderr == "", done.stderr
    return done.stdout


def refused(why, *args):
    done = report(*args)
    lines = done.stderr.splitlines()
    assert done.returncode == 2, f"{args}: exit {done.returncode}: {done.stderr}"
    assert len(lines) == 1 and lines[0].startswith("fwnmi: report: "), done.stderr
    assert why in lines[0], f"{lines[0]} does not say {why}"


def good_campaign():
    """One in which nothing fails."""
    made = made_up.matrix()
    made["results"] = [r for r in made["results"] if r["passed"]]
    for number, one in enumerate(made["results"]):
        one["number"] = number
    made["campaign"]["cases"] = len(made["results"])
    return made


# ---- the matrix ----


def cells_of(text):
    """{row: its cells} of the first block of a matrix."""
    lines = text.split("\n\n")[1].splitlines()
    starts = [m.start() for m in re.finditer(r"\S+( \S+)*", lines[0])]
    return {
        line[: starts[0]].strip(): [
            line[a:b].strip() for a, b in zip(starts, [*starts[1:], len(line)])
        ]
        for line in lines[1:]
    }


@test
def the_matrix_has_a_row_for_each_group_and_shows_what_failed_in_capitals(scratch):
    made = made_up.matrix()
    made["results"].pop()
    out = shown(1, scratch.results("a", made))
    cells = cells_of(out)
    assert list(cells) == [f"machine check {kind}" for kind in made_up.KINDS], cells
    assert cells["machine check SLB parity"] == ["recovered"] * 4, cells
    assert cells["machine check SLB multihit"] == ["recovered", "HANG", "recovered", "recovered"]
    assert cells["machine check UE load"][0] == "killed", cells
    assert "24 cases: 21 passed, 3 failed" in out, out
    assert "1 more to run" in out, out
    assert max(map(len, out.splitlines()[:12])) <= 80, out


@test
def each_failure_comes_with_the_command_that_replays_it(scratch):
    path = scratch.results("it's here", made_up.matrix())
    out = shown(1, path)
    commands = [line.strip() for line in out.splitlines() if "fwnmi replay" in line]
    assert [shlex.split(c) for c in commands] == [
        ["fwnmi", "replay", path, n] for n in ("5", "9", "18", "24")
    ], commands
    assert out.count(made_up.RULE["law"]) == 3, out


@test
def cells_of_many_cases_count_them_and_a_wide_matrix_is_abbreviated_and_broken(scratch):
    made = made_up.sweep()
    cells = cells_of(shown(1, scratch.results("a", made)))
    assert cells["machine_check_early_common"] == ["recovered+ 64", "PANIC+ 4/64"], cells
    made = good_campaign()
    for one in made["results"]:
        one["column"] = f"a long column {one['number']}"
    out = shown(0, scratch.results("b", made))
    matrix = out.split("\nrec recovered")[0].splitlines()
    assert max(map(len, matrix)) <= 80, out
    for one in made["results"]:
        assert one["column"] in out, out
    assert out.count(" rec\n") + out.count(" rec ") >= 15, out


@test
def nothing_of_a_guest_reaches_the_terminal_as_a_command(scratch):
    path = scratch.results("a", made_up.matrix())
    for form in "matrix", "tap", "junit", "json", "html":
        out = shown(1, path, "--format", form)
        strange = {c for c in out if ord(c) < 0x20 and c != "\n"}
        assert not strange, (form, strange)


def on_a_terminal(*args, **environment):
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", **environment}
    with subprocess.Popen(
        [FWNMI, "report", *args], stdout=theirs, stdin=subprocess.DEVNULL, env=environment
    ) as process:
        os.close(theirs)
        out = b""
        try:
            while chunk := os.read(ours, 65536):
                out += chunk
        except OSError:  # the other end is closed
            pass
        process.wait(PATIENCE)
    os.close(ours)
    return out.decode()


@test
def colours_are_for_terminals_and_no_color_is_honoured(scratch):
    path = scratch.results("a", made_up.matrix())
    assert "\x1b" not in shown(1, path)
    assert "\x1b[1;31mHANG\x1b[0m" in on_a_terminal(path)
    assert "\x1b" not in on_a_terminal(path, NO_COLOR="1")
    assert "\x1b" not in on_a_terminal(path, TERM="dumb")
    assert "\x1b" not in on_a_terminal("--output", "/dev/null", path)


@test
def the_exit_status_says_whether_something_failed(scratch):
    good = scratch.results("good", good_campaign())
    bad = scratch.results("bad", made_up.matrix())
    for form in "matrix", "tap", "junit", "json", "html":
        shown(0, "--format", form, good)
        shown(1, "--format", form, bad)


# ---- formats for machines ----


@test
def json_has_all_of_a_campaign_and_no_times_if_asked(scratch):
    made = made_up.matrix()
    path = scratch.results("a", made)
    data = json.loads(shown(1, path, "--format=json"))
    assert data["campaign"] == made["campaign"], data["campaign"]
    assert data["results"] == made["results"]
    assert data["totals"]["failed"] == 4 and data["totals"]["passed"] == 21, data["totals"]
    text = shown(1, path, "--format=json", "--no-times")
    assert "host_ns" not in text
    for one in made["results"]:
        del one["host_ns"]
    assert json.loads(text)["results"] == made["results"]


@test
def two_runs_of_a_campaign_are_the_same_bytes_apart_from_times(scratch):
    made, again = made_up.sweep(), made_up.sweep()
    again["results"].reverse()  # of several workers, whichever is ready first
    for one in again["results"]:
        one["host_ns"] *= 3
    a, b = scratch.results("a", made), scratch.results("b", again)
    for form in "matrix", "tap", "junit", "json", "html":
        texts = [
            shown(1, path, "--format", form, "--no-times").replace(path, "RESULTS")
            for path in (a, b)
        ]
        assert texts[0] == texts[1], form
        assert shown(1, a, "--format", form) != shown(1, b, "--format", form) or form == "tap"


class Tap:
    """A strict reader of TAP 14, which 13 is a part of as far as we use it."""

    LINE = re.compile(r"(not )?ok (\d+) - (.*)")

    def __init__(self, text):
        lines = text.splitlines()
        assert lines[0] == "TAP version 14", lines[0]
        self.planned = int(re.fullmatch(r"1\.\.(\d+)", lines[1])[1])
        self.tests = {}
        self.why = {}
        number = None
        inside = False
        for line in lines[2:]:
            if inside:
                inside = line != "  ..."
                assert line.startswith("  "), line
                found = re.fullmatch(r"  (\w+): (\".*\")", line)
                if found:
                    self.why[number][found[1]] = json.loads(found[2])
            elif line == "  ---":
                assert number is not None
                inside, self.why[number] = True, {}
            else:
                found = self.LINE.fullmatch(line)
                assert found, line
                assert not re.search(r"(?<!\\)(\\\\)*#", found[3]), f"a directive: {line}"
                number = int(found[2])
                assert number not in self.tests
                self.tests[number] = (not found[1], re.sub(r"\\(.)", r"\1", found[3]))
        assert not inside


@test
def tap_is_valid_and_has_a_test_for_each_case(scratch):
    made = made_up.matrix()
    made["results"][0]["name"] = 'a # SKIP \\ "of" mine'
    read = Tap(shown(1, scratch.results("a", made), "--format=tap"))
    assert read.planned == 25 and list(read.tests) == list(range(1, 26)), read.tests
    assert read.tests[1] == (True, made["results"][0]["name"]), read.tests[1]
    for one in made["results"]:
        assert read.tests[one["number"] + 1][0] == one["passed"], one
    assert read.why[6]["verdict"] == "hang" and "50 000 000" in read.why[6]["why"], read.why
    assert read.why[25]["why"].startswith("why </script>"), read.why[25]


@test
def tap_of_a_shard_that_was_interrupted_lacks_tests_of_its_plan(scratch):
    made = made_up.shard(made_up.matrix(), 2, 4)  # 1, 5, 9, ..., 21
    del made["results"][2]
    read = Tap(shown(1, scratch.results("a", made), "--format=tap"))
    assert read.planned == 6 and list(read.tests) == [1, 2, 4, 5, 6], read.tests


@test
def junit_is_xml_with_the_failures_where_readers_look_for_them(scratch):
    made = made_up.matrix()
    made["campaign"]["cases"] += 2
    text = shown(1, scratch.results("a", made), "--format=junit")
    top = xml.etree.ElementTree.fromstring(text)
    (suite,) = top
    assert top.tag == "testsuites" and suite.tag == "testsuite"
    assert suite.attrib["tests"] == "26" and suite.attrib["failures"] == "4", suite.attrib
    assert suite.attrib["errors"] == "1", suite.attrib
    properties = {p.attrib["name"]: p.attrib["value"] for p in suite.iter("property")}
    assert properties["kernel_build_id"] == made["campaign"]["kernel_build_id"], properties
    cases = suite.findall("testcase")
    assert len(cases) == 26
    for one, case in zip(made["results"], cases):
        failures = case.findall("failure")
        assert len(failures) == (not one["passed"]), one["name"]
        assert float(case.attrib["time"]) > 0
        for failure in failures:
            assert failure.attrib["type"] == one["verdict"]
            assert "fwnmi replay" in failure.text
    assert cases[3].attrib["name"] == made["results"][3]["name"]
    assert "</script>" in cases[24].attrib["classname"]
    assert "2 cases have not run" in cases[25].find("error").attrib["message"]


# ---- the page ----


class Page(html.parser.HTMLParser):
    """What a test wants to know of a page."""

    def __init__(self, text):
        super().__init__()
        self.classes = collections.Counter()
        self.tags = collections.Counter()
        self.root = {}
        self.loads = []
        self.title = ""
        self.open = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags[tag] += 1
        self.open = tag
        self.classes.update((attrs.get("class") or "").split())
        if tag == "html":
            self.root = attrs
        for name in "src", "href":
            if name in attrs and not attrs[name].startswith("data:"):
                self.loads.append(attrs[name])

    def handle_data(self, data):
        if self.open == "title":
            self.title += data
        if data.strip():
            self.open = ""


def browse(scratch, path, *options):
    """Has a browser show a file; returns what it printed, and its complaints about the page."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    assert browser, "chromium is not installed (scripts/setup-packages check)"
    done = subprocess.run(
        [
            browser,
            "--headless=new",
            "--no-sandbox",  # in a container, root may make no sandbox
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--force-prefers-reduced-motion",
            "--window-size=1280,1600",
            "--enable-logging=stderr",
            f"--user-data-dir={scratch.name('browser')}",
            *options,
            f"file://{path}",
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, "HOME": scratch.path},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


def paeth(a, b, c):
    return min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]


def pixels(path):
    """The rows of a PNG of 8 bits a sample: bytes a pixel, and the bytes of each row."""
    with open(path, "rb") as f:
        data = f.read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind == b"IHDR":
            width, _, depth, colour = struct.unpack(">IIBB", data[at + 8 : at + 18])
        elif kind == b"IDAT":
            packed += data[at + 8 : at + 8 + length]
        at += 12 + length
    assert depth == 8 and colour in (2, 6), (depth, colour)
    size = 3 if colour == 2 else 4
    raw, stride, last = zlib.decompress(packed), width * size, bytes(width * size)
    rows = []
    for start in range(0, len(raw), stride + 1):
        kind, row = raw[start], bytearray(raw[start + 1 : start + 1 + stride])
        for i in range(stride if kind else 0):
            left = row[i - size] if i >= size else 0
            corner = last[i - size] if i >= size else 0
            add = (0, left, last[i], (left + last[i]) // 2, paeth(left, last[i], corner))[kind]
            row[i] = (row[i] + add) & 0xFF
        rows.append(bytes(row))
        last = row
    return size, rows


@test
def a_browser_shows_the_page_in_full_and_has_no_complaint(scratch):
    made = made_up.matrix()
    made["results"] += made_up.sweep()["results"]
    for number, one in enumerate(made["results"]):
        one["number"] = number
    made["campaign"]["cases"] = len(made["results"])
    page = scratch.name("page.html")
    shown(1, scratch.results("a", made), "--format=html", "--output", page)
    dom, complaints = browse(scratch, page, "--dump-dom")
    assert not complaints, complaints
    seen = Page(dom)
    assert seen.root.get("data-ready") == "true", seen.root
    cells = {(r["group"], r["column"]) for r in made["results"]}
    assert seen.classes["cell"] == len(cells), seen.classes
    failed_cells = {(r["group"], r["column"]) for r in made["results"] if not r["passed"]}
    failed = [r for r in made["results"] if not r["passed"]]
    swept = [r for r in made["results"] if "address" in r["evidence"]]
    assert seen.classes["point"] == len(swept), seen.classes
    assert seen.classes["case"] == len(failed), seen.classes  # "failed only" is on
    assert seen.classes["body"] == 1, seen.classes  # the first failure is unfolded
    assert seen.classes["chip"] == len({r["verdict"] for r in made["results"]}), seen.classes
    failed_points = sum(not r["passed"] for r in swept)
    assert seen.classes["failed"] == len(failed_cells) + failed_points + len(failed)


@test
def the_page_is_not_blank(scratch):
    page, image = scratch.name("page.html"), scratch.name("page.png")
    shown(1, scratch.results("a", made_up.sweep()), "--format=html", "--output", page)
    _, complaints = browse(scratch, page, f"--screenshot={image}")
    assert not complaints, complaints
    size, rows = pixels(image)
    colours = collections.Counter()
    for row in rows[::3]:
        colours.update(row[i : i + size] for i in range(0, len(row), 3 * size))
    most = colours.most_common(1)[0][1] / sum(colours.values())
    assert len(colours) > 50 and most < 0.97, (len(colours), most)


def used(scratch, page, steps, anchor=""):
    """The numbers of the cases that the page lists after each step of a script."""
    record = "; seen.push([...document.querySelectorAll('.case')].map((c) => c.id)); "
    script = "const seen = []; " + "".join(step + record for step in steps)
    script += "document.documentElement.dataset.seen = JSON.stringify(seen);"
    with open(page, encoding="utf-8") as f:
        text = f.read()
    path = scratch.name("used.html")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace("</body>", f"<script>{script}</script></body>"))
    dom, complaints = browse(scratch, path + anchor, "--dump-dom")
    assert not complaints, complaints
    seen = json.loads(Page(dom).root["data-seen"])
    return [[int(name.removeprefix("case-")) for name in step] for step in seen]


@test
def the_page_filters_cases_by_verdict_cell_and_text(scratch):
    page = scratch.name("page.html")
    shown(1, scratch.results("a", made_up.matrix()), "--format=html", "--output", page)
    steps = {
        "": [5, 9, 18, 24],
        "document.querySelector('[data-verdict=killed]').click()": [16, 20],
        "document.querySelector('[data-verdict=killed]').click();": list(range(25)),
        "document.querySelector('.cell button').click()": [0],
        "byId('where').click()": list(range(25)),
        "byId('text').value = 'ERAT MULTI';"
        "byId('text').dispatchEvent(new Event('input'))": [8, 9, 10, 11],
    }
    assert used(scratch, page, steps) == list(steps.values())
    assert used(scratch, page, [""], "#case-7") == [[7]]


@test
def text_of_a_guest_is_text_on_the_page(scratch):
    page = scratch.name("page.html")
    shown(1, scratch.results("a", made_up.matrix()), "--format=html", "--output", page)
    with open(page, encoding="utf-8") as f:
        written = Page(f.read())
    dom, complaints = browse(scratch, page, "--dump-dom")
    seen = Page(dom)
    assert not complaints, complaints
    assert seen.title.startswith("fwnmi quick"), seen.title
    for found in written, seen:
        assert found.tags["script"] == 2 and found.tags["img"] == 0, found.tags
        assert not found.loads, found.loads
    assert "&lt;/script&gt;" in dom and "<!-- \x1b" not in dom


@test
def a_campaign_without_results_is_a_page_too(scratch):
    made = made_up.matrix()
    made["results"] = []
    page = scratch.name("page.html")
    path = scratch.results("a", made)
    shown(0, path, "--format=html", "--output", page)
    dom, complaints = browse(scratch, page, "--dump-dom")
    assert Page(dom).root.get("data-ready") == "true" and not complaints, complaints
    assert "0 cases: 0 passed" in shown(0, path)


# ---- two campaigns ----


@test
def comparing_tells_what_was_fixed_broken_and_the_rest(scratch):
    old, new = made_up.matrix(), made_up.matrix(kernel_build_id="11", kernel="/tmp/vmlinux")
    old["results"].pop()
    new["results"][0].update(verdict="panic", passed=False)  # broken
    new["results"][5].update(verdict="recovered", passed=True)  # fixed
    new["results"][9].update(verdict="lost")  # changed
    new["results"][24].update(verdict="recovered", passed=True)  # new
    new["results"][23].update(name="renamed")  # new, and one is gone
    a, b = scratch.results("a", old), scratch.results("b", new)
    out = shown(1, "--compare", a, b)
    told = [
        line for line in out.splitlines() if re.match(r"(broken|fixed|changed|new|gone) ", line)
    ]
    assert [line.split(" </script>")[0] for line in told] == [
        "broken  machine check/SLB parity/user: recovered -> panic (failed)",
        "fixed   machine check/SLB multihit/kernel: hang (failed) -> recovered",
        "changed machine check/ERAT multihit/kernel: misreported (failed) -> lost (failed)",
        "new     renamed: recovered",
        "new     hostile",
        "gone    machine check/UE fetch/idle: recovered",
    ], out
    assert "kernel: /boot/vmlinux-6.1.0-42-powerpc64le -> /tmp/vmlinux" in out, out
    assert f"fwnmi replay {b} 0" in out, out
    assert "1 broken, 1 fixed, 1 changed, 2 new, 1 gone, 20 the same" in out, out


@test
def comparing_passes_if_nothing_broke(scratch):
    a = scratch.results("a", made_up.matrix())
    assert shown(0, "--compare", a, a).splitlines() == [
        "0 broken, 0 fixed, 0 changed, 0 new, 0 gone, 25 the same"
    ]


# ---- shards ----


@test
def shards_are_joined_to_what_one_run_would_have_given(scratch):
    made = made_up.matrix()
    whole = scratch.results("whole", made)
    shards = [scratch.results(f"s{i}", made_up.shard(made, i, 3)) for i in (3, 1, 2)]
    out = shown(0, "--merge", scratch.name("out"), *shards)
    assert out == f"{scratch.name('out')}: 25 of 25 cases, 25 added here\n", out
    assert shown(1, scratch.name("out"), "--format=json") == shown(1, whole, "--format=json")


@test
def lost_shards_are_listed_to_be_run_again_and_join_later(scratch):
    made = made_up.matrix()
    shards = [scratch.results(f"s{i}", made_up.shard(made, i, 8)) for i in range(1, 9)]
    short = made_up.shard(made, 5, 8)
    del short["results"][1]
    shards[4] = scratch.results("short", short)
    joined = scratch.name("out")
    out = shown(1, "--merge", joined, *shards[:2], *shards[3:])
    assert out.splitlines() == [
        "run again: --shard 3/8 (3 cases missing)",
        "run again: --shard 5/8 (1 case missing)",
        f"{joined}: 21 of 25 cases, 21 added here",
    ], out
    out = shown(1, "--merge", joined, shards[2])
    assert out.splitlines()[-1] == f"{joined}: 24 of 25 cases, 3 added here", out
    shown(0, "--merge", joined, scratch.name("s5"))


@test
def a_case_that_shards_disagree_about_is_told(scratch):
    made, other = made_up.matrix(), made_up.matrix()
    other["results"][3].update(verdict="panic", passed=False)
    other["results"][4]["evidence"]["insns"] += 1
    other["results"][5]["host_ns"] += 1  # times may differ
    a, b = scratch.results("a", made), scratch.results("b", other)
    out = shown(1, "--merge", scratch.name("out"), a, b).splitlines()
    assert out == [
        f"case 3, machine check/SLB parity/idle: recovered, but panic in {b}",
        f"case 4, machine check/SLB multihit/user: recovered with other evidence in {b}",
        f"{scratch.name('out')}: 25 of 25 cases, 25 added here, 2 that disagree",
    ], out


@test
def shards_of_another_campaign_are_refused(scratch):
    a = scratch.results("a", made_up.shard(made_up.matrix(), 1, 2))
    b = scratch.results("b", made_up.shard(made_up.matrix(seed="7"), 2, 2))
    refused("another seed", "--merge", scratch.name("out"), a, b)


# ---- what is refused ----


@test
def wrong_command_lines_and_files_are_one_line(scratch):
    good = scratch.results("good", good_campaign())
    text = scratch.name("text")
    with open(text, "w", encoding="ascii") as f:
        f.write("no results\n" * 100)
    refused("no results given")
    refused("more than one file", good, good)
    refused("--compare needs two files", "--compare", good)
    refused("exclude each other", "--compare", "--format=tap", good, good)
    refused("--merge needs files", "--merge", scratch.name("out"))
    refused("--merge goes with no other option", "--merge", "out", "--format=tap", good)
    refused("not matrix, tap, junit, json or html", "--format=xml", good)
    refused("did you mean --format?", "--fromat=tap", good)
    refused("No such file", scratch.name("nowhere"))
    refused("is no file of results", text)
    refused("cannot open", good, "--output", scratch.name("no/where"))
    refused("cannot write", good, "--output", "/dev/full")
    assert not os.path.exists(scratch.name("out"))


@test
def a_report_that_cannot_be_written_leaves_the_one_that_was_there(scratch):
    page = scratch.name("page.html")
    good = scratch.results("good", good_campaign())
    shown(0, good, "--format=html", "--output", page)
    with open(page, encoding="utf-8") as f:
        before = f.read()
    done = subprocess.run(
        ["sh", "-c", 'trap "" XFSZ; ulimit -f 8; exec "$0" report --format=html --output "$@"']
        + [FWNMI, page, good],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert "cannot write" in done.stderr, done.stderr
    with open(page, encoding="utf-8") as f:
        assert f.read() == before
    assert sorted(os.listdir(scratch.path)) == ["good", "page.html"]


def in_scratch(function):
    with tempfile.TemporaryDirectory(prefix="fwnmi-report-", ignore_cleanup_errors=True) as path:
        return function(Scratch(path))


if __name__ == "__main__":
    sys.exit(tap.run([(f.__name__, in_scratch, f) for f in TESTS]))

"""pgrail lsp, spoken to by a real editor (Neovim, headless) and by a raw client that says what an editor never would."""
import json
import os
import select
import subprocess
import time

import pytest

from lib.runs import BIN, WRAP, Project, environment

UP = "-- labels\nALTER TABLE owners ADD COLUMN note text;\nCREATE INDEX items_label ON items (label);\n"
DOWN = "DROP INDEX items_label;\nALTER TABLE owners DROP COLUMN note;\n"


class Client:
    """A raw client: bytes out, messages in."""

    def __init__(self, project, *args, root=None, capabilities=None):
        self.project, self.number = project, 0
        self.p = subprocess.Popen([*WRAP, BIN, "lsp", *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  cwd=project.home, env=environment(project.home, project.env), start_new_session=True)
        self.buffer, self.notices = b"", []
        if root is not False:
            self.root = f"file://{root or project.folder}"
            self.hello = self.ask("initialize", {"processId": None, "rootUri": self.root, "capabilities": capabilities or {}})["result"]
            self.tell("initialized", {})

    def raw(self, data):
        self.p.stdin.write(data)
        self.p.stdin.flush()

    def send(self, message):
        body = json.dumps(message).encode()
        self.raw(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def tell(self, method, params):
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def read(self):
        """The next message; None at the end."""
        deadline = time.monotonic() + 60
        while True:
            head, sep, rest = self.buffer.partition(b"\r\n\r\n")
            if sep:
                n = int(head.split(b":")[1])
                if len(rest) >= n:
                    self.buffer = rest[n:]
                    return json.loads(rest[:n])
            assert select.select([self.p.stdout], [], [], max(0, deadline - time.monotonic()))[0], "no answer within 60 s"
            data = os.read(self.p.stdout.fileno(), 65536)
            if not data:
                return None
            self.buffer += data

    def answer(self):
        while (m := self.read()) is not None and "method" in m:
            self.notices.append(m)
        return m

    def ask(self, method, params):
        self.number += 1
        self.send({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        m = self.answer()
        assert m["id"] == self.number
        return m

    def uri(self, path):
        return f"file://{self.project.folder}/{path}"

    def diagnostics(self, path):
        """What was said last of a file, after all that was sent has been worked off."""
        self.ask("textDocument/completion", {"textDocument": {"uri": "none"}, "position": {"line": 0, "character": 0}})
        said = [m["params"]["diagnostics"] for m in self.notices if m["method"] == "textDocument/publishDiagnostics" and m["params"]["uri"] == self.uri(path)]
        return said[-1]

    def open(self, path, text=None):
        text = self.project.read(path) if text is None else text
        self.tell("textDocument/didOpen", {"textDocument": {"uri": self.uri(path), "languageId": "sql", "version": 1, "text": text}})
        return self.diagnostics(path)

    def at(self, path, line, character):
        return {"textDocument": {"uri": self.uri(path)}, "position": {"line": line, "character": character}}

    def actions(self, path, line, character):
        place = {"line": line, "character": character}
        return self.ask("textDocument/codeAction", {"textDocument": {"uri": self.uri(path)}, "range": {"start": place, "end": place}, "context": {"diagnostics": []}})["result"]

    def end(self):
        self.ask("shutdown", None)
        self.tell("exit", None)
        self.p.stdin.close()
        assert self.p.wait(60) == 0 and self.p.stderr.read() == b""


EDITOR = {"workspace": {"workspaceEdit": {"documentChanges": True, "resourceOperations": ["create", "rename", "delete"]}}}


@pytest.fixture
def shop(project):
    project.migration(1, "labels", UP, DOWN)
    return project


def applied(edit, project):
    """The files of a WorkspaceEdit, as an editor would leave them."""
    def offset(text, p):
        lines = text.split("\n")
        return sum(len(x) + 1 for x in lines[:p["line"]]) + p["character"]
    files = {}
    for change in edit["documentChanges"]:
        if change.get("kind") == "create":
            files[change["uri"]] = ""
            continue
        uri = change["textDocument"]["uri"]
        text = files[uri] if uri in files else open(uri.removeprefix("file://"), encoding="utf-8").read()
        for e in change["edits"]:
            text = text[:offset(text, e["range"]["start"])] + e["newText"] + text[offset(text, e["range"]["end"]):]
        files[uri] = text
    return {u.removeprefix(f"file://{project.folder}/"): t for u, t in files.items()}


def test_an_editor_shows_explains_and_mends(shop, tmp_path):
    """Neovim's own client: diagnostics, hover, code action applied to the buffer and to files that are new."""
    script = tmp_path / "client.lua"
    out = tmp_path / "seen.json"
    script.write_text(f"""
local seen = {{}}
local function wait(what, f) if not vim.wait(60000, f, 20) then error('no ' .. what) end end
vim.cmd('edit migrations/0001_labels.up.sql')
local id = vim.lsp.start_client({{cmd = {{{', '.join(json.dumps(w) for w in [*WRAP, BIN, 'lsp'])}}}, root_dir = {json.dumps(shop.folder)}}})
vim.lsp.buf_attach_client(0, id)
wait('diagnostics', function() return #vim.diagnostic.get(0) > 0 end)
local function first(rule) for _, d in ipairs(vim.diagnostic.get(0)) do if d.code == rule then return d end end end
local d = first('index-not-concurrent')
seen.diagnostic = {{line = d.lnum, from = d.col, to = d.end_col, severity = d.severity, source = d.source, message = d.message}}
vim.api.nvim_win_set_cursor(0, {{d.lnum + 1, d.col}})
local r = vim.lsp.buf_request_sync(0, 'textDocument/hover', vim.lsp.util.make_position_params(), 60000)
seen.hover = r[id].result.contents.value
local p = vim.lsp.util.make_range_params()
p.context = {{diagnostics = {{}}}}
local actions = vim.lsp.buf_request_sync(0, 'textDocument/codeAction', p, 60000)[id].result
seen.titles = vim.tbl_map(function(a) return a.title end, actions)
for _, a in ipairs(actions) do if a.title:find('^build') then vim.lsp.util.apply_workspace_edit(a.edit, 'utf-16') end end
wait('mended', function() return first('index-not-concurrent') == nil end)
vim.cmd('wall')
seen.left = vim.tbl_map(function(x) return x.code end, vim.diagnostic.get(0))
local f = io.open({json.dumps(str(out))}, 'w')
f:write(vim.fn.json_encode(seen))
f:close()
vim.lsp.stop_client(id)
vim.cmd('qall!')
""")
    done = subprocess.run(["nvim", "--headless", "--clean", "-n", "-c", f"luafile {script}", "-c", "cquit 3"], cwd=shop.folder, env=environment(shop.home, shop.env),
                          capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0 and out.exists(), done.stderr
    seen = json.loads(out.read_text())
    assert seen["diagnostic"] | {"message": ""} == {"line": 2, "from": 28, "to": 33, "severity": 2, "source": "pgrail", "message": ""}
    assert "stops all writes to items" in seen["diagnostic"]["message"]
    assert "### index-not-concurrent" in seen["hover"] and "```sql\nCREATE INDEX CONCURRENTLY" in seen["hover"]
    assert [t.split(" (")[0] for t in seen["titles"]] == ["ignore statement-after-ael here", "build items_label CONCURRENTLY", "ignore index-not-concurrent here"]
    assert "index-not-concurrent" not in seen["left"]
    assert shop.read("migrations/0001_labels.up.sql") == UP.replace("CREATE INDEX items_label ON items (label);\n", "")
    assert "CREATE INDEX CONCURRENTLY items_label ON items (label);" in shop.read("migrations/0002_labels_items_label.up.sql")
    assert "DROP INDEX CONCURRENTLY items_label;" in shop.read("migrations/0002_labels_items_label.down.sql")
    assert shop.read("migrations/0001_labels.down.sql") == DOWN.replace("DROP INDEX items_label;\n", "")


def test_findings_are_checks_own(shop):
    shop.migration(2, "more", "ALTER TABLE items ALTER COLUMN label TYPE int;\nALTER TABLE items FORM x;\nDROP TABLE owners;\n", "SELECT 1;\n")
    c = Client(shop)
    for path in ("migrations/0001_labels.up.sql", "migrations/0001_labels.down.sql", "migrations/0002_more.up.sql"):
        word = path.split("/")[1][:4]
        checked = shop.pgrail("check", word, "--offline", "--json").json["findings"]
        want = sorted((f["rule"], f["line"] - 1, f["col"] - 1, f["level"]) for f in checked if f["path"] == path)
        got = sorted((d["code"], d["range"]["start"]["line"], d["range"]["start"]["character"], {1: "error", 2: "warning", 3: "note"}[d["severity"]])
                     for d in c.open(path))
        assert want == got and (want or "down" in path)
    c.end()


def test_what_is_typed_is_judged_and_not_what_is_on_the_disk(shop):
    path = "migrations/0001_labels.up.sql"
    c = Client(shop)
    c.open(path)
    change = {"range": {"start": {"line": 2, "character": 12}, "end": {"line": 2, "character": 12}}, "text": " CONCURRENTLY"}
    c.tell("textDocument/didChange", {"textDocument": {"uri": c.uri(path), "version": 2}, "contentChanges": [change]})
    assert "index-not-concurrent" not in {d["code"] for d in c.diagnostics(path)}
    c.tell("textDocument/didChange", {"textDocument": {"uri": c.uri(path), "version": 3}, "contentChanges": [{"text": "DROP TABLE items;\n"}]})
    assert [d["code"] for d in c.diagnostics(path)] == ["drop-table"]
    c.tell("textDocument/didClose", {"textDocument": {"uri": c.uri(path)}})
    assert c.diagnostics(path) == []
    c.end()


def test_positions_are_in_the_units_that_were_agreed_on(shop):
    text = "/* 🐘é */ CREATE INDEX items_label ON items (label);\n"
    path = "migrations/0003_elephant.up.sql"
    shop.write(path, text)
    for capabilities, encoding, units in (({}, "utf-16", 3), ({"general": {"positionEncodings": ["utf-8", "utf-16"]}}, "utf-8", 6)):
        c = Client(shop, capabilities=capabilities)
        assert c.hello["capabilities"]["positionEncoding"] == encoding
        d = next(d for d in c.open(path) if d["code"] == "index-not-concurrent")
        # two characters, of 3 units in UTF-16 and 6 bytes in UTF-8, stand before it
        assert d["range"]["start"]["character"] == text.index("items (") - 2 + units
        c.end()


def test_layouts_with_both_sides_in_one_file(shop):
    for name in os.listdir(f"{shop.folder}/migrations"):
        os.remove(f"{shop.folder}/migrations/{name}")
    path = "migrations/20240101000000_labels.sql"
    shop.write(path, "-- migrate:up\nCREATE INDEX items_label ON items (label);\n-- migrate:down\nDROP INDEX items_label;\n")
    c = Client(shop, capabilities=EDITOR)
    assert {(d["code"], d["range"]["start"]["line"]) for d in c.open(path)} == {("index-not-concurrent", 1), ("drop-index-not-concurrent", 3)}
    [fix, ignore] = c.actions(path, 1, 30)
    assert applied(fix["edit"], shop)[path].startswith("-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY items_label ON items (label);\n-- migrate:down\n")
    c.end()


def test_an_ignore_waits_for_its_reason(shop):
    path = "migrations/0001_labels.up.sql"
    c = Client(shop)
    c.open(path)
    ignore = next(a for a in c.actions(path, 2, 30) if a["title"].startswith("ignore index"))
    [edit] = ignore["edit"]["changes"][c.uri(path)]
    assert edit["newText"] == "-- pgrail:ignore index-not-concurrent \n" and edit["range"]["start"] == {"line": 2, "character": 0}
    text = UP.replace("CREATE INDEX", edit["newText"] + "CREATE INDEX")
    c.tell("textDocument/didChange", {"textDocument": {"uri": c.uri(path), "version": 2}, "contentChanges": [{"text": text}]})
    assert {"index-not-concurrent", "ignore-no-reason"} <= {d["code"] for d in c.diagnostics(path)}
    text = text.replace("concurrent \n", "concurrent loaded at night\n")
    c.tell("textDocument/didChange", {"textDocument": {"uri": c.uri(path), "version": 3}, "contentChanges": [{"text": text}]})
    assert not {"index-not-concurrent", "ignore-no-reason"} & {d["code"] for d in c.diagnostics(path)}
    names = [i["label"] for i in c.ask("textDocument/completion", c.at(path, 2, 19))["result"]]
    assert "index-not-concurrent" in names and c.ask("textDocument/completion", c.at(path, 0, 3))["result"] == []
    assert "### index-not-concurrent" in c.ask("textDocument/hover", c.at(path, 2, 25))["result"]["contents"]["value"]
    c.end()


def test_facts_of_a_file_and_of_a_live_server(shop, db):
    db.sql("CREATE TABLE owners (id int); CREATE TABLE items (id bigint PRIMARY KEY, label text)")
    db.sql("INSERT INTO items SELECT i, 'x' FROM generate_series(1, 30000) i; ANALYZE")
    shop.environment("dev", db)
    shop.pgrail("ground", "--all", "--env", "dev", "--save", "facts.json").ok()
    for args in (("--facts", f"{shop.folder}/facts.json"), ("--env", "dev", "--config", f"{shop.folder}/pgrail.conf")):
        c = Client(shop, *args, capabilities=EDITOR)
        d = next(d for d in c.open("migrations/0001_labels.up.sql") if d["code"] == "index-not-concurrent")
        assert "30,000 rows" in d["message"]
        c.end()


def test_a_wrong_start_is_said_before_the_protocol_begins(shop):
    r = shop.pgrail("lsp", "--facts", "nothing.json")
    assert r.status == 2 and r.out == "" and "nothing.json" in r.err


def test_a_file_of_no_project_stands_alone(shop, tmp_path):
    other = Project(tmp_path / "bare", shop.home)
    os.remove(f"{other.folder}/pgrail.conf")
    other.write("a b.sql", "CREATE INDEX i ON t (a);\n")
    c = Client(other, capabilities=EDITOR)
    uri = f"file://{other.folder}/a%20b.sql"
    c.uri = lambda path: uri
    assert [d["code"] for d in c.open("a b.sql")] == ["index-not-concurrent"]
    fix = c.actions("a b.sql", 0, 18)[0]
    assert fix["edit"]["documentChanges"][0]["textDocument"]["uri"] == uri
    c.end()


BAD = [
    (b'{"jsonrpc": "2.0", "id": 1, "meth', -32700),
    (b"\xff\xfe", -32700),
    (b"[1, 2]", -32600),
    (b'"text"', -32700),
    (b'{"id": 1, "method": "shutdown"}', -32600),
    (b'{"jsonrpc": "2.0", "id": [1], "method": "shutdown"}', -32600),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "textDocument/rename", "params": {}}', -32601),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "$/unheard", "params": {}}', -32601),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "textDocument/hover", "params": [1]}', -32602),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "textDocument/hover", "params": {}}', -32602),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}', -32600),
    (b"[" * 100000, -32700),
]


@pytest.mark.parametrize("body, code", BAD, ids=[str(i) for i in range(len(BAD))])
def test_bad_messages_are_refused_and_the_session_goes_on(shop, body, code):
    c = Client(shop)
    c.raw(b"content-length:%d\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n" % len(body) + body)
    assert c.answer()["error"]["code"] == code
    assert c.ask("textDocument/hover", c.at("nothing", 0, 0))["result"] is None
    c.end()


def test_notices_that_make_no_sense_are_passed_over(shop):
    c = Client(shop)
    path = "migrations/0001_labels.up.sql"
    n = len(c.open(path))
    for method, params in (("textDocument/didOpen", {}), ("textDocument/didChange", {"textDocument": {"uri": c.uri(path)}, "contentChanges": [{"text": 1}]}),
                           ("textDocument/didChange", {"textDocument": {"uri": c.uri(path)}, "contentChanges": [
                               {"range": {"start": {"line": 5, "character": 0}, "end": {"line": 0, "character": 0}}, "text": ""}]}),
                           ("textDocument/didChange", []), ("workspace/didChangeConfiguration", {"settings": {}}), ("$/setTrace", {"value": "off"}),
                           ("textDocument/didOpen", {"textDocument": {"uri": "untitled:one", "version": 1, "text": "DROP TABLE x;"}}),
                           ("textDocument/didClose", {"textDocument": {"uri": "file:///%00"}}), ("textDocument/didSave", None)):
        c.tell(method, params)
    assert len(c.diagnostics(path)) == n
    c.end()


def test_before_and_after(shop):
    c = Client(shop, root=False)
    assert c.ask("textDocument/hover", {})["error"]["code"] == -32002
    c.send({"jsonrpc": "2.0", "method": "exit"})
    assert c.read() is None and c.p.wait(60) == 1
    c = Client(shop)
    assert c.ask("shutdown", None)["result"] is None
    assert c.ask("textDocument/hover", {})["error"]["code"] == -32600
    c.tell("exit", None)
    assert c.p.wait(60) == 0


def test_a_header_that_is_none_ends_the_session(shop):
    for data in (b"Content-Type: x\r\n\r\n", b"Content-Length: -5\r\n\r\n", b"Content-Length: 99999999999999999999\r\n\r\n", b"x" * 10000):
        c = Client(shop)
        c.raw(data)
        assert c.answer()["error"]["code"] == -32700 and c.read() is None and c.p.wait(60) == 1


def test_a_message_that_is_too_long_is_passed_over(shop):
    c = Client(shop)
    n = 41 << 20
    c.raw(b"Content-Length: %d\r\n\r\n" % n)
    assert c.answer()["error"]["code"] == -32600
    for _ in range(41):
        c.raw(b" " * (1 << 20))
    assert c.ask("textDocument/hover", c.at("nothing", 0, 0))["result"] is None
    c.end()

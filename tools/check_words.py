#!/usr/bin/python3
"""Words that must not be in committed files."""
import re
import subprocess

from ctext import ROOT, SRC, code, finish, line_of, module, name

NOTES = "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X"])
C_WORDS = [                                       # pattern, modules where it is right, what to do
    (r"\bgoto\b", set(), "return early; PR_CLEANUP closes"),
    (r"\b(?:sig)?(?:set|long)jmp\b", set(), "return an error"),
    (r"\b(?:v?printf|puts|putchar)\s*\(", {"face", "main"}, "library code never prints: return a document or use talk"),
    (r"\b(?:exit|quick_exit)\s*\(", {"main"}, "return an error; only main exits"),
    (r"\b_exit\s*\(", {"main", "proc"}, "only main and a child in proc/ end a process"),
    (r"\b(?:pthread_create|thrd_create)\b", set(), "processes, not threads"),
]
ANYWHERE = [
    (r"\b(?:" + NOTES + r")\b", "do it now or write an issue"),
    (r"(?<![\w.])/(?:root|home)/\w", "a path of one machine: derive it at run time"),
    (re.escape(str(ROOT)) + r"(?!\w)", "a path of this machine: derive it at run time"),
]


def committed():
    """Files that are or will be committed."""
    try:
        out = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"], capture_output=True, check=True)
        paths = [ROOT / p for p in out.stdout.decode().split("\0") if p]
    except (OSError, subprocess.CalledProcessError):
        paths = [p for p in ROOT.rglob("*") if "build" not in p.parts and ".git" not in p.parts]
    return sorted(p for p in paths if p.is_file() and not p.is_symlink())


def judge(path):
    data = path.read_bytes()
    if b"\0" in data[:8000] or "corpus" in path.parts:
        return
    text = data.decode("utf-8", errors="replace")
    for pattern, mend in ANYWHERE:
        for m in re.finditer(pattern, text):
            yield f"{name(path)}:{line_of(text, m.start())}: {m.group(0)!r}: {mend}"
    if path.suffix in (".c", ".h") and SRC in path.parents:
        bare = code(text)
        for pattern, homes, mend in C_WORDS:
            for m in re.finditer(pattern, bare):
                if module(path) not in homes:
                    yield f"{name(path)}:{line_of(text, m.start())}: {m.group(0)!r}: {mend}"


finish("words", [p for f in committed() for p in judge(f)], "Each line says how.")

"""What is built from the declarations: completions are accepted by their shells, man pages by groff, help has examples."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = os.environ.get("PGRAIL_BIN", str(ROOT / "build/out/pgrail"))


def run(*argv, **more):
    return subprocess.run(argv, capture_output=True, text=True, check=False, **more)


def commands():
    """Names of all operations: one for each file, so that a command that is left out of the help is noticed."""
    return sorted(p.stem[2:].replace("_", "-") for p in (ROOT / "src/ops").glob("o_*.c"))


def test_usage_names_every_command():
    usage = run(BIN, "--help")
    assert usage.returncode == 0
    assert [c for c in commands() if f"\n  {c} " not in usage.stdout] == []


@pytest.mark.parametrize("command", commands())
def test_every_command_has_help_with_an_example(command):
    page = run(BIN, command, "--help")
    assert page.returncode == 0 and page.stderr == ""
    assert page.stdout.split("examples:\n")[1].startswith(f"  pgrail {command}")
    assert run(BIN, "help", command).stdout == page.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_accepts_its_completion(shell, tmp_path):
    script = run(BIN, "completion", shell)
    assert script.returncode == 0
    file = tmp_path / "completion"
    file.write_text(script.stdout)
    checked = run(shell, "-n", str(file))
    assert (checked.returncode, checked.stderr) == (0, "")
    assert [c for c in commands() if c not in script.stdout] == []


def test_bash_completes_commands_and_options(tmp_path):
    """The script runs in a real bash: words as they stand on the line, candidates as bash would offer them."""
    file = tmp_path / "completion"
    file.write_text(run(BIN, "completion", "bash").stdout)

    def candidates(*line):
        words = " ".join(f"'{w}'" for w in line)
        return run("bash", "-c", f". {file}; COMP_WORDS=({words}); COMP_CWORD={len(line) - 1}; _pgrail; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
                   cwd=tmp_path).stdout.split()
    assert "rehearse" in candidates("pgrail", "reh")
    assert "--force" in candidates("pgrail", "rehearse", "--f")
    assert candidates("pgrail", "completion", "z") == ["zsh"]
    assert candidates("pgrail", "check", "--format", "g") == ["github", "gitlab", "gcc"]


def test_man_pages_are_good_roff(tmp_path):
    pages = run(BIN, "help", "--pages", str(tmp_path))
    assert (pages.returncode, pages.stderr) == (0, "")
    for name in ["pgrail"] + [f"pgrail-{c}" for c in commands()]:
        page = run("groff", "-man", "-Tutf8", "-P-cbou", "-ww", "-K", "utf8", str(tmp_path / f"{name}.1"))
        assert (page.returncode, page.stderr) == (0, ""), name
        assert "EXIT STATUS" in page.stdout
    settings = run("groff", "-man", "-Tutf8", "-P-cbou", "-ww", "-K", "utf8", str(tmp_path / "pgrail.conf.5"))
    assert (settings.returncode, settings.stderr) == (0, "")
    assert "PGRAIL_POLICY_MAX_BLOCK" in settings.stdout


def test_unknown_words_are_refused_with_the_next_step():
    wrong = run(BIN, "rehearsal")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == "pgrail: there is no command rehearsal\nhint: did you mean: pgrail rehearse\n"
    assert run(BIN, "--frobnicate").returncode == 2
    assert run(BIN).returncode == 2
    assert run(BIN, "completion", "tcsh").returncode == 2


def test_version_names_the_grammar():
    version = run(BIN, "--version")
    assert version.returncode == 0
    assert version.stdout.startswith("pgrail ") and "\ngrammar: PostgreSQL " in version.stdout


@pytest.mark.parametrize("argv, says", [(["status", "--json=yes"], "--json takes no value"), (["rules", "--help=no"], "--help takes no value"),
                                        (["status", "--config"], "--config wants a value"),
                                        (["check", "--pg-version", "12"], "--pg-version: expected 13 to 18")])
def test_options_of_every_command_are_not_called_unknown(argv, says):
    wrong = run(BIN, *argv)
    assert wrong.returncode == 2 and says in wrong.stderr


@pytest.mark.parametrize("argv", [["help"], ["rules"], ["rules", "--help"], ["completion", "bash"], ["--version"]])
def test_output_that_cannot_be_written_is_said(argv):
    with open("/dev/full", "wb") as full:
        lost = subprocess.run([BIN, *argv], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert lost.returncode == 4 and "the output could not be written: No space left on device" in lost.stderr

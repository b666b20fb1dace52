"""Every statement and every subcommand of ALTER TABLE that the grammar knows has its line in src/footprint: predicted, said to touch no
relation, or said not to be predicted. The lists come from the grammar's own headers, so that a newer grammar fails here first."""
import glob
import re

from lib.runs import ROOT

HEADERS = glob.glob(f"{ROOT}/build/deps/pg_query/**/nodes/*.h", recursive=True)
# Parts of statements, and what the grammar gives no text for.
NO_STATEMENT = {"RawStmt", "PlannedStmt", "PLAssignStmt", "ReturnStmt", "SetOperationStmt", "ReplicaIdentityStmt"}
# What a body or an argument decides: judged by what is in it, or said not to be judged.
BODIES = {"DoStmt", "CallStmt"}
# Made by the server out of other subcommands.
NO_SUBCOMMAND = {"AT_AddIndex", "AT_AddIndexConstraint", "AT_AddColumnToView", "AT_CookedColumnDefault", "AT_ReAddComment",
                 "AT_ReAddConstraint", "AT_ReAddDomainConstraint", "AT_ReAddIndex", "AT_ReAddStatistics", "AT_ReplaceRelOptions",
                 "AT_AddColumnRecurse", "AT_AddConstraintRecurse", "AT_CheckNotNull", "AT_DropColumnRecurse", "AT_DropConstraintRecurse",
                 "AT_ValidateConstraintRecurse", "AT_SetAttNotNull"}


def source(name):
    with open(f"{ROOT}/src/footprint/{name}", encoding="utf-8") as f:
        return f.read()


def of_headers(pattern):
    found = set()
    for path in HEADERS:
        with open(path, encoding="utf-8") as f:
            found |= set(re.findall(pattern, f.read()))
    assert len(found) > 50, f"{pattern}: the grammar's headers are not where they were"
    return found


def test_every_statement_of_the_grammar_has_its_line():
    kinds = set(re.findall(r"\{T_(\w+Stmt), ", source("footprint.c")))
    grammar = of_headers(r"\bT_(\w+Stmt)\b")
    assert grammar - kinds - NO_STATEMENT - BODIES == set(), "add a line for these to the table in footprint.c"
    assert kinds & (NO_STATEMENT | BODIES) == set()


def test_every_subcommand_of_alter_table_has_its_line():
    subs = set(re.findall(r"\[(AT_\w+)\] =", source("alter_table.c")))
    assert of_headers(r"\b(AT_[A-Z][A-Za-z]+)\b") - subs - NO_SUBCOMMAND == set()

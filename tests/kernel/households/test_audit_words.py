"""Every fact that the program puts into the audit log has a name that people read. What the tree of the
code does not show is seen when it is written (tests.running.audited).
"""

from __future__ import annotations

import ast
from pathlib import Path

from app.kernel.households import audit_words

APP = Path(__file__).parents[3] / "app"


def keys_of(node: ast.AST) -> set[str]:
    """The literal keys of a dict, and of dicts joined by ``|``."""
    if isinstance(node, ast.BinOp):
        return keys_of(node.left) | keys_of(node.right)
    if isinstance(node, ast.IfExp | ast.BoolOp):
        return set().union(*map(keys_of, ast.iter_child_nodes(node)))
    if isinstance(node, ast.Dict):
        return {str(key.value) for key in node.keys if isinstance(key, ast.Constant)}
    return set()


def detail_of(node: ast.AST) -> ast.AST | None:
    """What ``detail={…}`` in a call says, or ``detail = {…}`` before it."""
    match node:
        case (
            ast.keyword(arg="detail", value=said)
            | ast.Assign(targets=[ast.Name(id="detail")], value=said)
            | ast.AnnAssign(target=ast.Name(id="detail"), value=said)
            | ast.AugAssign(target=ast.Name(id="detail"), value=said)
        ):
            return said
        case ast.Assign(targets=[ast.Subscript(value=ast.Name(id="detail"), slice=key)]):
            return ast.Dict(keys=[key], values=[key])
        case ast.Call(func=ast.Name(id="_log"), args=[*_, said]):  # of the divisions
            return said
    return None


def test_every_key_of_the_log_has_a_label() -> None:
    unknown = set()
    for path in APP.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            said = detail_of(node)
            found = keys_of(said) if said else set()
            unknown |= {f"{path.name}: {k}" for k in found - {"changes"} - set(audit_words.LABELS)}
    assert unknown == set()


def test_numbers_in_texts_are_masked() -> None:
    number = "610122197001010013"
    for text, shown in [
        (f"核实{number}。", "核实6101*****0013。"),
        (f"/search/?q={number}", "/search/?q=6101*****0013"),
        ("电话13909180000", "电话139****0000"),
        ("029-86964499", "029****4499"),
        ("61012210000001", "61012210000001"),  # an account
        ("0198c0de13909180000abcde", "0198c0de13909180000abcde"),  # a key
        ("第 3 条", "第 3 条"),
    ]:
        assert audit_words.masked(text) == shown

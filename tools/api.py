"""Write docs/api.md, the reference of the library, from its docstrings: python tools/api.py."""

import ast
import inspect
import re
from pathlib import Path
from textwrap import fill, indent
from typing import Any

import detect
from detect.files import write_text


def reference() -> str:
    """The whole page: functions first, then types with their fields, properties and methods."""
    page = "# What `import detect` gives\n\nMade by `python tools/api.py`. [Scripts](library.md) show it at work.\n"
    for one in sorted((getattr(detect, name) for name in detect.__all__), key=inspect.isclass):
        page += f"\n## {one.__name__}\n\n```python\n{signature(one.__name__, one)}\n```\n\n{inspect.getdoc(one)}\n\n"
        for key in vars(one) if inspect.isclass(one) else ():
            value = getattr(one, key)
            if key[0] != "_" and (inspect.isroutine(value) or isinstance(value, property)) and value.__doc__:
                page += indent(f"- `{signature(key, value)}`: {inspect.getdoc(value)}\n", "  ")[2:]
    return page.replace("::\n\n", "").replace("\n\n\n", "\n\n").rstrip() + "\n"  # `::` opens a block in other markup


def signature(name: str, one: Any) -> str:
    """A class with its fields, a property with its type, a function in lines that break between parameters."""
    if inspect.isclass(one):
        fields = next((kind for kind in one.__mro__ if "__annotations__" in vars(kind)), one)  # a tuple's: in its base
        (node,) = (node for node in ast.parse(inspect.getsource(fields)).body if isinstance(node, ast.ClassDef))
        node.name, node.body = name, [part for part in node.body if isinstance(part, ast.AnnAssign)]
        return ast.unparse(node).replace("'", '"')
    if isinstance(one, property) and one.fget:
        return f"{name}: {one.fget.__annotations__['return']}"
    line = re.sub(r"(: |-> )(['\"])(.*?)\2", r"\1\3", re.sub(r"\(self(, )?", "(", f"{name}{inspect.signature(one)}"))
    return fill(re.sub(r"(?<!,) | (?=[^[]*\])", "\0", line), 100, subsequent_indent="    ").replace("\0", " ")


if __name__ == "__main__":
    write_text(Path(__file__).resolve().parents[1] / "docs" / "api.md", reference())

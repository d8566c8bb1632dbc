"""The rules of the house, over whatever stands on the disk: size, floors, commands, recipes, words."""

from __future__ import annotations

import ast
import configparser
import inspect
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from itertools import takewhile
from pathlib import Path

import click
import pytest

from detect.cli import COMMANDS, main

ROOT = Path(__file__).resolve().parents[1]


@cache
def project_files() -> tuple[str, ...]:
    """Everything that git holds or would take, as POSIX paths from the root."""
    listing = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split("\0")
    return tuple(sorted(name for name in found if name and (ROOT / name).is_file()))


@cache
def nodes(folder: str = "") -> tuple[tuple[str, ast.AST], ...]:
    """(file, node) of every syntax tree below a folder."""
    names = [name for name in project_files() if name.endswith(".py") and name.startswith(folder)]
    return tuple((name, node) for name in names for node in ast.walk(ast.parse((ROOT / name).read_bytes())))


# Size and names


def test_no_file_is_longer_than_300_lines() -> None:
    lengths = {n: len((ROOT / n).read_text("utf-8").splitlines()) for n in project_files() if n.endswith(".py")}
    assert len(lengths) > 20
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def test_no_function_is_longer_than_50_lines() -> None:
    lengths = {
        f"{name}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for name, node in nodes()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert len(lengths) > 100
    assert {name: length for name, length in lengths.items() if length > 50} == {}


def test_files_are_named_for_their_noun_or_verb() -> None:
    vague = {"utils", "util", "core", "common", "misc", "helpers", "helper", "base"}
    parts = {name: {Path(part).stem for part in Path(name).parts} for name in project_files()}
    assert [name for name, stems in parts.items() if stems & vague] == []


def test_names_keep_to_the_glossary() -> None:
    """Each word stands once in it, and those that it gives up are in no name of the package."""
    used, _, given_up = (ROOT / "docs" / "glossary.md").read_text("utf-8").partition("## Not used")
    words = [word for row in re.findall(r"^\| ([^|]+) \|", used, re.M) for word in row.split(", ") if row != "word"]
    assert len(words) > 80 and sorted(set(words)) == sorted(words)
    avoided = {word for row in re.findall(r"^\| ([^|]+) \|", given_up, re.M)[2:] for word in row.split(", ")}
    found = []
    for file, node in nodes("detect/"):
        name = getattr(node, "name", None) or getattr(node, "arg", None)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name = node.id
        if isinstance(name, str) and {part.lower() for part in re.findall("[A-Z]?[a-z]+|[A-Z]+", name)} & avoided:
            found.append(f"{file}: {name}")
    assert found == []


def test_no_assert_and_no_print_in_the_package() -> None:
    found = [
        (f"{name}:{node.lineno}", node) for name, node in nodes("detect/") if isinstance(node, ast.stmt | ast.expr)
    ]
    assert [place for place, node in found if isinstance(node, ast.Assert)] == []
    calls = [(place, node.func) for place, node in found if isinstance(node, ast.Call)]
    prints = [place for place, called in calls if isinstance(called, ast.Name) and called.id == "print"]
    assert [place for place in prints if not place.startswith(("detect/progress.py", "detect/cli/"))] == []


@pytest.mark.parametrize("folder", ["datasets", "configs"])
def test_data_folders_hold_no_python(folder: str) -> None:
    # An importable `datasets` would shadow Hugging Face's package of that name.
    assert [name for name in project_files() if name.startswith(f"{folder}/") and name.endswith(".py")] == []


# Commands, recipes, README

HEAVY = "{'torch', 'torchvision', 'cv2', 'fiftyone', 'ultralytics', 'numpy', 'matplotlib', 'PIL', 'pydantic', 'rich'}"


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_loads_nothing_heavy(command: str) -> None:
    code = (
        "import sys, detect\n"
        f"assert not {HEAVY} & set(sys.modules), 'import detect'\n"
        "from detect.cli import main\n"
        f"main({[*command.split(), '--help']}, standalone_mode=False)\n"
        f"print(sorted({HEAVY} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr


def test_the_command_table_equals_the_disk() -> None:
    files = {Path(n).stem for n in project_files() if fnmatch(n, "detect/cli/*.py")}
    assert files - {"__init__", "options", "reading"} == set(COMMANDS)
    rooms = {Path(name).parts[1].removesuffix(".py") for name in project_files() if name.startswith("detect/")}
    assert set(COMMANDS.values()) <= rooms


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_documented_and_tested(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert "\n\b\nExample" in inspect.cleandoc(command.help or ""), "the help has no example"
    assert any("--quiet" in option.opts for option in command.params)
    assert f"\n## {name.capitalize()}\n" in (ROOT / "README.md").read_text("utf-8"), "README has no heading for it"
    noun = COMMANDS[name]
    assert list((ROOT / "tests").glob(f"{noun}/test_*.py")) or (ROOT / "tests" / f"test_{noun}.py").is_file(), noun


def examples() -> Iterator[tuple[str, list[str]]]:
    """(where, arguments) of each line that begins with `detect` in the help, in fenced Markdown and in recipes."""
    commands = {name: main.get_command(click.Context(main), name) for name in COMMANDS}
    texts = {f"detect {name} --help": command.help or "" for name, command in commands.items() if command}
    texts["detect --help"] = main.help or ""
    for name in project_files():
        if name.endswith(".md"):
            texts[name] = "\n".join(re.findall(r"^```\w*\n(.*?)^```", (ROOT / name).read_text("utf-8"), re.S | re.M))
        elif fnmatch(name, "configs/*.yaml"):
            texts[name] = (ROOT / name).read_text("utf-8")
    for where, text in texts.items():
        for line in text.replace("\\\n", " ").splitlines():
            if match := re.match(r"[#$ ]*detect (?=[a-z-]+( |$))(?!-)", line):
                words = shlex.split(line[match.end() :], comments=True)
                yield where, list(takewhile(lambda word: word not in {"|", ">", "&&", ";", "&"}, words))


def test_every_example_is_accepted_by_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(click.Path, "convert", lambda self, value, param, ctx: Path(value))  # it need not exist
    monkeypatch.setattr("detect.progress._quiet", False)  # an example with --quiet must not silence the next test
    seen, refused, parent = set(), [], click.Context(main, **main.context_settings)
    for where, (name, *arguments) in examples():
        seen.add(name)
        try:
            _, command, _ = main.resolve_command(parent, [name])
            assert command is not None
            command.make_context(name, list(arguments), parent=parent)
        except click.UsageError as error:
            refused.append(f"{where}: detect {name} {shlex.join(arguments)}: {error.format_message()}")
    assert refused == []
    assert seen == set(COMMANDS)


def configurations() -> list[str]:
    return [name for name in project_files() if name.startswith("configs/") and not name.endswith(".md")]


def kind(name: str) -> str:
    """What the first key of a configuration says that it is."""
    first = re.match(r"(?:#.*\n)*kind: (\w+)\n", (ROOT / name).read_text("utf-8"))
    assert first, f"{name}: the first key is not `kind`"
    return first.group(1)


def test_configs_holds_configurations_of_known_kinds() -> None:
    assert {kind(name) for name in configurations() if name.endswith(".yaml")} == {"recipe"}
    assert [name for name in configurations() if not name.endswith(".yaml")] == []


@pytest.mark.parametrize("name", [name for name in configurations() if kind(name) == "recipe"])
def test_a_recipe_loads_and_opens_with_purpose_command_time_and_score(name: str) -> None:
    from detect.recipes import load_recipe
    from detect.recipes.shipped import OPENING

    load_recipe(ROOT / name)
    opening = OPENING.match((ROOT / name).read_text("utf-8"))
    assert opening, "not: purpose, `#   command`, `Time: `, `Score: `, each beginning a line"
    assert f"detect train {Path(name).stem} --data" in opening["commands"]
    assert re.match(r"\d|not measured", opening["time"])
    assert re.match(r"AP50 (0\.\d+)|not measured|no goal", opening["score"])


def test_the_tree_in_the_readme_equals_the_disk() -> None:
    """Lines `NAME...  what it is`, children indented by two; a folder that shows children shows all of them."""
    block = re.search(r"```\w*\n(detect/ .*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    assert block, "README has no code block that begins with `detect/`"
    shown: dict[str, set[str]] = {"": set()}
    parents: list[str] = []
    for line in filter(str.strip, block.group(1).splitlines()):
        depth = (len(line) - len(line.lstrip())) // 2
        del parents[depth:]
        names = re.split(r"\s{2,}", line.strip())[0].split()
        shown.setdefault("".join(parents), set()).update(names)
        parents.append(names[-1])
    for folder, names in shown.items():
        paths = {n.removeprefix(folder) for n in project_files() if n.startswith(folder)}
        there = {path.split("/")[0] + ("/" if "/" in path else "") for path in paths}
        if not folder:  # at the top only the folders are told
            there, names = ({n for n in some if n.endswith("/") and n[0] != "."} for some in (there, names))
        assert names == there - {"__init__.py", "__main__.py", "py.typed"}, f"in {folder or 'the root'}"


def test_links_between_documents_lead_somewhere() -> None:
    dead = []
    for name in filter(lambda n: n.endswith(".md"), project_files()):
        for link in re.findall(r"\]\(([^)#:\s]+)[^):]*\)", (ROOT / name).read_text("utf-8")):
            if not (ROOT / name).parent.joinpath(link).exists():
                dead.append(f"{name}: {link}")
    assert dead == []


def test_the_test_folders_mirror_the_package() -> None:
    rooms = {Path(name).parts[1].removesuffix(".py") for name in project_files() if name.startswith("detect/")}
    folders = {Path(name).parts[1] for name in project_files() if fnmatch(name, "tests/*/*")}
    assert folders <= {*rooms, "golden"}


# What ships, and what never does


def test_every_file_of_the_package_ships() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    globs = {package: text.replace(",", " ").split() for package, text in config["options.package_data"].items()}
    left_out = []
    for name in filter(lambda n: n.startswith("detect/"), project_files()):
        home = next(p for p in Path(name).parents if (ROOT / p / "__init__.py").is_file())
        inside = Path(name).relative_to(home).as_posix()
        ships = "/" not in inside if name.endswith(".py") else False
        if not ships and not any(fnmatch(inside, g) for g in globs.get(home.as_posix().replace("/", "."), [])):
            left_out.append(name)
    assert left_out == []


FOREIGN = {
    "a path of one machine": r"(?<![\w.~])/(?:root|work|farm)/\w",
    "a package registry": r"\bpypi[.]org|pythonhosted[.]org|registry[.]npmjs|conda[.]anaconda[.]org",
    "a secret": r"AKIA[0-9A-Z]{16}|gh[pousr]_\w{36}|hf_[A-Za-z]{30}|xox[abp]-\w{10}|BEGIN [A-Z ]*PRIVATE KEY",
}


@pytest.mark.parametrize("what", FOREIGN)
def test_the_files_hold_nothing_foreign(what: str) -> None:
    expression = re.compile(FOREIGN[what].encode())
    found = {name: expression.search((ROOT / name).read_bytes()) for name in project_files()}
    assert {name: match.group() for name, match in found.items() if match} == {}

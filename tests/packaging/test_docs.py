"""Every command of the documents can be given as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.settings import load_settings
from tests.packaging.docs import DOCUMENTS, Command, check_of, commands
from tests.packaging.image import PROJECT

LINK = re.compile(r"\]\((?!#)([^)#]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("command", list(commands()), ids=str)
def test_a_command_fits_what_it_is_about(command: Command) -> None:
    check_of(command)(command.words)


def test_there_are_commands_in_the_guide_and_the_readme() -> None:
    assert {"README.md", "deploy/guide.md", "deploy/security.md"} <= {command.document for command in commands()}


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_the_settings_of_a_document_go_together(path: Path) -> None:
    exports = [command.words[1:] for command in commands([path]) if command.words[0] == "export"]
    load_settings(dict(word.split("=", 1) for words in exports for word in words))


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_every_block_says_what_it_is(path: Path) -> None:
    """So that no command hides in a block that is not looked at."""
    opened = re.findall(r"(?m)^```(\w*)$", path.read_text())[::2]
    assert set(opened) <= {"sh", "mermaid", "text"}


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in LINK.findall(path.read_text()):
        assert (path.parent / target).exists(), target


def test_commands_in_the_text_of_the_guide_fit_as_well() -> None:
    text = (PROJECT / "deploy" / "guide.md").read_text().replace("\n", " ")
    found = [Command("guide", one) for one in re.findall(r"`((?:kubectl|docker|helm) [^`]+)`", text)]
    assert found
    for command in found:
        check_of(command)(command.words)

"""The contract as a file that people read and compare."""

from typing import Any, Final

import yaml

LINE_WIDTH: Final = 100


class PlainDumper(yaml.SafeDumper):
    """No aliases, and texts of several lines as they are read."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - none at all
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


PlainDumper.add_representer(str, _represent_text)


def to_yaml(document: Any) -> str:
    return yaml.dump(
        document, Dumper=PlainDumper, sort_keys=False, allow_unicode=True, width=LINE_WIDTH
    )

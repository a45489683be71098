"""What a later build calls otherwise: old name to new name, by kind."""

import tomllib
from pathlib import Path

from msgspec import Struct, convert, field

Names = dict[str, str]


class Renames(Struct, frozen=True, forbid_unknown_fields=True):
    """One table of `renames.toml` each.

    `codes` are renamed wherever a code is answered, and `codes_at` only in the answers of one
    operation ("PUT /v1/carts/{cart}/lines/{sku}"), which goes first. `fields` are names in the
    answers' bodies. `values` are renamed as whole values of any other field, such as a kind of
    message or an event.
    """

    codes: Names = field(default_factory=dict)
    codes_at: dict[str, Names] = field(default_factory=dict)
    events: Names = field(default_factory=dict)
    fields: Names = field(default_factory=dict)
    metrics: Names = field(default_factory=dict)
    operations: Names = field(default_factory=dict)
    schemas: Names = field(default_factory=dict)
    settings: Names = field(default_factory=dict)
    values: Names = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path | None) -> "Renames":
        return convert(tomllib.loads(path.read_text()), cls) if path else cls()

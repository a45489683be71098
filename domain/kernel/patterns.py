"""Rules of texts that mean the same to us and to every reader of the contract."""


def anchored(pattern: str) -> str:
    r"""A rule for a text that is `pattern` from its first character to its last.

    In Python a `$` alone also matches before a line break that ends the text; in JavaScript, whose
    rules the contract publishes, it does not.
    """
    return rf"^(?:{pattern})$(?!\n)" if "|" in pattern else rf"^{pattern}$(?!\n)"

"""Prose of docstrings: the rate of some vague words, and the docstrings that begin with What.

A docstring is the text that `ast.get_docstring` finds for a module, class or function of the three
layers. A word is a run of letters; a straight or curly apostrophe and the letters after it belong
to it (*shop's* is one word). Commit 857a901 has 43.7 of the words below in 1,000.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator

from tests.architecture.figures import Figure, total
from tests.architecture.source import Module, in_layers

COUNTED_WORDS = frozenset({
    "told", "tells", "tell", "lies", "lie", "stands", "stand", "whoever",
    "somebody", "nobody", "kept", "keeps", "says", "said", "what",
})  # fmt: skip
"""Fixed: a change would make the figure of one commit incomparable with the figure of another."""
_WORD = re.compile(r"[a-z]+(?:['\u2019][a-z]+)?", re.IGNORECASE)
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def docstrings(module: Module) -> Iterator[str]:
    for node in module.nodes:
        if isinstance(node, _DOCUMENTED) and (text := ast.get_docstring(node)):
            yield text


def counted_words(modules: list[Module]) -> Counter[str]:
    """Occurrences of each counted word."""
    return Counter(
        word
        for module in modules
        for text in docstrings(module)
        for word in map(str.lower, _WORD.findall(text))
        if word in COUNTED_WORDS
    )


def number_of_words(modules: list[Module]) -> int:
    return sum(len(_WORD.findall(text)) for module in modules for text in docstrings(module))


def word_rate(modules: list[Module]) -> Figure:
    """Counted words per 1,000 docstring words, to one decimal; the places are files."""
    hits = {module.path: counted_words([module]).total() for module in modules}
    rate = 1000 * sum(hits.values()) / max(number_of_words(modules), 1)
    return Figure(round(rate, 1), {path: number for path, number in hits.items() if number})


def what_docstrings(modules: list[Module]) -> Counter[str]:
    """Docstrings whose first word is What; those of constants and fields count too."""
    return Counter(
        f"{module.path}: {node.value.value.strip()[:60]}"
        for module in modules
        for node in module.nodes
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        and re.match(r"\s*what\b", node.value.value, re.IGNORECASE)
    )


def prose_figures(modules: list[Module]) -> dict[str, Figure]:
    code = in_layers(modules)
    return {
        "counted_words_per_1000": word_rate(code),
        "docstrings_that_begin_with_what": total(what_docstrings(code)),
    }

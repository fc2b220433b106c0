"""The formulas of a page, and the letters in them."""

from __future__ import annotations

import re
from collections.abc import Iterator

FORMULA = re.compile(
    r"^(`{3,})\{math\}[^\n]*\n(?P<block>.*?)^\1$"
    r"|\$\$(?P<display>.*?)\$\$|(?<![\\\w])\$(?P<inline>[^$]+)\$",
    re.DOTALL | re.MULTILINE,
)
CODE = re.compile(
    r"^(`{3,})(?:\{code-cell\}|\w+)[^\n]*\n.*?^\1$|(?<!`)`[^`\n]+`(?!`)", re.DOTALL | re.MULTILINE
)
WORDS = re.compile(
    r"\\(?:text|mathrm|mathtt|operatorname\*?|label|tag|begin|end|quad|color)\s*\{[^{}]*\}"
    r"|\\(?:[bB]igg?[lrm]?|left|right|middle)(?![a-zA-Z])|^:\w+:.*$|_F\b|_\{F\}",
    re.MULTILINE,
)
GREEK = (
    "alpha|beta|gamma|delta|epsilon|varepsilon|zeta|eta|theta|vartheta|iota|kappa|lambda|mu|nu|xi"
    "|rho|varrho|sigma|varsigma|tau|upsilon|phi|varphi|chi|psi|omega"
    "|Gamma|Delta|Theta|Lambda|Xi|Sigma|Phi|Psi|Omega|ell"
)
LETTER = re.compile(
    r"\\(?P<style>mathcal|mathsf|mathbf|boldsymbol)\s*(?:\{(?P<a>[A-Za-z])\}|(?P<b>[A-Za-z]))"
    rf"|\\(?P<greek>{GREEK})(?![A-Za-z])|\\[A-Za-z]+|(?P<latin>[A-Za-z])"
)
MACROS = {"ggl": "gamma", "gntk": "gamma", "gtwo": "gamma", "gfr": "gamma"}


def formulas(text: str) -> Iterator[tuple[int, str]]:
    """Every formula of a page with the number of its line; code and claims are left out."""
    plain = CODE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    for found in FORMULA.finditer(plain):
        yield text.count("\n", 0, found.start()) + 1, next(filter(None, found.groupdict().values()))


def letters(formula: str) -> Iterator[str]:
    """The letters of a formula: Latin ones, names of Greek ones, styles with a letter."""
    for found in LETTER.finditer(WORDS.sub(" ", formula)):
        if found["style"]:
            yield f"{found['style']} {found['a'] or found['b']}"
        elif found["greek"] or found["latin"]:
            yield found["greek"] or found["latin"]
        elif found[0][1:] in MACROS:
            yield MACROS[found[0][1:]]

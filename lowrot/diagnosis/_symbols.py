"""What the symbols and words of hypotheses mean, each explained where it occurs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lowrot.diagnosis._verdict import Verdict

MEANINGS = {
    "m": "width, the number of neurons",
    "n": "number of points",
    "d": "dimension of the inputs",
    "x_i": "input of point i",
    "x": "an input",
    "x'": "another input",
    "v_j": "inner weights of neuron j, a vector",
    "a_j": "outer weight of neuron j, a number",
    "a_0": "outer weights at the start",
    r"\|": "length of a vector",
    "s": r"activation: z itself above 0, $\alpha$ z below",
    r"\alpha": "slope of the activation below zero; 0 for ReLU",
    "P": "soft margin: a smooth form of the least y f(x) over the points, here at the start",
    # near initialization
    r"\gamma_{\ell_2}": "tangent margin, outer layer: the best margin of a linear classifier on "
    "the outputs of the neurons of the start",
    "g": r"pull of the data at the start, $\gamma_{\ell_2} \sqrt m$: grows with the root of the "
    "width",
    "A": "length of all outer weights of the start",
    "N": "largest wrong margin of the start: the most by which some y f(x) is below 0, or 0",
    "B": "bound on the gradients of the outputs near the start",
    "t": "number of samples",
    r"\eta": "step size",
    r"\Gamma": "margin that every sample gains, $g^2/96$",
    "e": "base of the natural logarithm, 2.718",
    # groups and frozen features
    r"\gamma_{\mathrm{frozen}}": "frozen margin: the best margin with the directions of the inner "
    "weights of the start",
    # two points
    r"\varphi": "half the angle between the two points",
    r"\mu_-": r"sum of $a_j^2$ over the neurons with $a_j < 0$",
    r"\mu_-^*": r"what $\mu_-$ may be at most in a small start",
    r"\tilde E": r"difference of the two margins that the neurons with $a_j > 0$ make",
    "E^*": r"what $|\tilde E|$ may be at most in a small start",
    # symmetric data
    r"\gamma": "linear margin: that of the best linear classifier",
    "w^*": "unit weights of the best linear classifier",
    "z_i": "y x of point i",
    "z_k": "y x of point k",
    "s_j": "sign of $a_j$",
    "c_j": r"part of the signed inner weights $s_j v_j$ along $w^*$",
    "G_0": r"constant of the start, above 0 where good neurons of both signs are there",
    r"\varrho": "share that each sign of $a_j$ keeps of the squared weights",
    r"\omega": "rate at which small neurons turn to the mean of y x",
    r"\chi_0": "tangent of half the largest angle between a neuron of the start and the mean of "
    "y x, or 1",
    "M_0": r"half of the sum of all squared weights at the start",
    r"\epsilon": "half of the sum of all squared weights up to which small starts are followed",
    # parity
    "r": "number of fixed features",
    "n_k": "samples in quadrant k of the two coordinates",
    "D": "largest deviation of a mean feature on the samples from that on the cube",
    r"\gamma_{\mathrm{gl}}": "global margin: the best of all networks",
    r"\delta": "probability that is left to failure",
    r"\Pr": "probability",
    # regression and one neuron
    r"\eta_a": "learning rate of the outer weights",
    r"\bar\eta": "root of the product of the learning rates of both layers",
    r"\mu": "least singular value of the matrix of outputs of all neurons at all points",
    r"\chi": "largest singular value of the matrix of inputs",
    r"\mathcal U": "length of the residuals, f(x) - y at all points",
    r"\mathcal Q": "potential that never falls along the flow",
    "Z": "pairs of a point and a neuron whose sign may still flip",
    r"\mu_Z": "least singular value of the derivative of the outputs, without what $Z$ adds",
    r"\chi_Z": r"$\chi$ with the slopes that the activation has on and off $Z$",
    r"\psi": "rate at which the residuals fall, at least",
    "w": "inner weights of the one neuron",
    "q": "dual weights, one a point",
    "h": r"dual function: sum of $q$ times the outputs of a neuron of unit weights $v$",
    "v": "any unit vector",
    "K": "kernel of the outer layer",
    r"\lambda_{\min}": "least eigenvalue",
    r"\lambda_{\max}": "largest eigenvalue",
}  # fmt: skip
"""By symbol, as TeX."""

OF_THEOREM = {
    ("thm-locking", "e"): "unit vector along the mean of y x",
    ("thm-locking", "c_j"): "part of the signed inner weights $s_j v_j$ along $e$",
    ("thm-locking", "Q"): "sum of the squared parts of the inner weights across $e$",
    ("thm-locking", "k_*"): "least ratio, over the points, of the part of y x along $e$ to the "
    "part across it; 0 if some part along it is not positive",
    ("thm-parity-features", "N"): "number of targets, d(d-1)/2",
}  # fmt: skip
"""Where a symbol stands for something else in one theorem, or in that one only."""

GOOD = "active on all points of one group, with the sign of its label, and silent on all "
TERMS = {
    "good neuron": "one whose signed inner weights have a positive product with y x of every point",
    "mirror": "of a point (x, y): the point (-x, -y)",
    "imbalance of a neuron": r"difference of $|a_j|$ and $\|v_j\|$, relative to the larger",
    "paired neurons": "the second half of the neurons is the first with all signs changed",
    "relative gap": "by how much the two certified bounds on an optimum differ",
    "height of a point": "part of y x along $e$",
    "silent points": "those on which a good neuron of a group must not be active",
    "kink": "where a neuron is neither active nor silent on a point",
}
"""Words that hypotheses use in a sense of their own."""

TERMS_OF_THEOREM = {
    ("thm-collapse", "good neuron"): GOOD + "others",
    ("thm-collapse-opposite", "good neuron"): GOOD + "other groups of that label",
    ("thm-escape", "imbalance"): r"$|\tilde E|$",
}

_SUBSCRIPT = r"(?:_(?:\{(?:[^{}]|\{[^{}]*\})*\}|\\[A-Za-z]+|[A-Za-z0-9*+-]))?"
_SYMBOL = re.compile(
    r"(?P<base>\\(?:mathcal|bar|tilde)\s*(?:\\[A-Za-z]+|[A-Za-z])|\\[A-Za-z]+|\\\||[A-Za-z])"
    rf"(?P<under>{_SUBSCRIPT})(?P<more>'|\^\*)?"
)
_NUMBER = re.compile(r"(?<![\w}])\d[\d.\s]*(?:e[+-]?\d+)?(?![\w])")
_OPERATORS = {r"\le", r"\ge", r"\cdot", r"\max", r"\min", r"\ln", r"\cos", r"\sqrt", r"\vert"}


def symbols(text: str) -> list[str]:
    """Return the symbols of the formulas of a text, as TeX, each once."""
    found = (
        f"{part['base']}{part['under']}{part['more'] or ''}"
        for formula in re.findall(r"\$([^$]*)\$", text)
        for part in _SYMBOL.finditer(_NUMBER.sub(" ", formula))
        if part["base"] not in _OPERATORS
    )
    return list(dict.fromkeys(found))


def explained(verdicts: Sequence[Verdict], *, every: bool) -> list[tuple[str, str]]:
    """Return what occurs in verdicts, each with its meaning, as TeX, in order of appearance.

    What stands for two things is listed twice, with the names of the theorems.

    Args:
        verdicts: on theorems that apply.
        every: read all hypotheses, not only reasons.
    """
    where: dict[tuple[str, str], list[str]] = {}
    for verdict in verdicts:
        texts = [verdict.reason]
        if every:
            texts += [text for h in verdict.hypotheses for text in (h.statement, h.limit)]
        for entry in _found(verdict.theorem, texts):
            where.setdefault(entry, []).append(verdict.title)
    names = [name for name, _ in where]
    return [
        (name, meaning + f" ({', '.join(titles)})" * (names.count(name) > 1))
        for (name, meaning), titles in where.items()
    ]


def _found(theorem: str, texts: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Symbols, those in their meanings, too, and words that stand in texts of a theorem."""
    waiting, done = list(texts), set()
    while waiting:
        text = waiting.pop(0)
        terms = [term for term in {**TERMS, **_own(TERMS_OF_THEOREM, theorem)} if term in text]
        for name in [*terms, *symbols(text)]:
            meaning = meaning_of(theorem, name)
            if meaning and name not in done:
                done.add(name)
                waiting.append(meaning)
                yield (name if name in terms else _shown(name)), meaning


def _shown(symbol: str) -> str:
    return r"$\|v\|$" if symbol == r"\|" else f"${symbol}$"


def meaning_of(theorem: str, name: str) -> str:
    """Return what a symbol or a word means in a theorem; nothing if that is not known."""
    for table in (OF_THEOREM, TERMS_OF_THEOREM):
        if (theorem, name) in table:
            return table[theorem, name]
    return MEANINGS.get(name) or TERMS.get(name, "")


def _own(table: dict[tuple[str, str], str], theorem: str) -> dict[str, str]:
    return {name: meaning for (own, name), meaning in table.items() if own == theorem}

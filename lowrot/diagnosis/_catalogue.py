"""Every theorem of the book, in its order: its name, its conclusion in a line, and who asks it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from lowrot._numbers import plain
from lowrot.diagnosis import _near, _real, _shapes
from lowrot.diagnosis._case import Case, Judged, judged, off_topic
from lowrot.diagnosis._verdict import OTHER_LABELS, Decision, Needed, Verdict
from lowrot.optima import NotSeparable
from lowrot.theorems import Hypothesis


@dataclass(frozen=True)
class Entry:
    """A theorem.

    Args:
        theorem: its label.
        title: its name.
        says: its conclusion in a line.
        task: labels of which it speaks: "classification", "regression" or "both".
        ask: the decision on a case.
        margin: which margin has to be positive for it to be built.
    """

    theorem: str
    title: str
    says: str
    task: str
    ask: Callable[[Case], Judged]
    margin: str = "a margin"

    def verdict(self, case: Case) -> Verdict:
        """Ask it of a case."""
        task = "classification" if case.given.classification else "regression"
        if self.task not in (task, "both"):
            labels = OTHER_LABELS[0 if self.task == "regression" else 1]
            found = off_topic(f"it speaks of {labels}")
        else:
            found = self._asked(case)
        return Verdict(self.theorem, self.title, self.says, **vars(found))

    def _asked(self, case: Case) -> Judged:
        try:
            return self.ask(case)
        except MemoryError:
            return Judged(Decision.TOO_LARGE, "its hypotheses need more memory than there is")
        except NotSeparable as refusal:
            name = f"upper bound of {self.margin}"
            positive = Hypothesis(name, refusal.upper, "$> 0$, beyond rounding", False)
            found = judged([positive], case.named("sampled"), self._none(case))
            most = plain(refusal.upper)
            reason = f"not separable: {self.margin} is at most {most}, which is 0 to rounding"
            return replace(found, reason=reason)

    def _none(self, case: Case) -> Needed | None:
        if case.given.contradicted:
            words = "no width: points of one direction have different labels"
            return Needed("width", float("inf"), "none", words)
        return None


CLASSES, REAL, BOTH = "classification", "regression", "both"
_TANGENT, _LINEAR, _FROZEN = "the tangent margin", "the linear margin", "the frozen margin"

CATALOGUE = (
    Entry("thm-duality", "Duality", "The largest margin is the least value of its dual function.",
          CLASSES, _shapes.nothing_asked),
    Entry("thm-global-width", "What a network can reach",
          "No width beats half the global margin, and as many neurons as points reach it.",
          CLASSES, _shapes.width_n),
    Entry("thm-parity-global", "Global margin of 2-sparse parity",
          "The global margin of the cube is 1/sqrt(8 d).", CLASSES, _shapes.whole_cube),
    Entry("thm-parity-tangent", "Tangent margins of 2-sparse parity",
          "The tangent margins of the cube tend to known constants.", CLASSES, _shapes.whole_cube),
    Entry("thm-flow-order", "Order three, and stiff accuracy",
          "The integrator is of order three as long as no neuron crosses a kink.", BOTH,
          _near.order),
    Entry("thm-near-init-sgd", "One-pass SGD, logistic loss",
          "Few mistakes and little movement on one pass over the data.", CLASSES, _near.logistic,
          _TANGENT),
    Entry("thm-near-init-perceptron", "One-pass perceptron",
          "Few mistakes and little movement on one pass over the data.", CLASSES,
          _near.perceptron, _TANGENT),
    Entry("thm-near-init-flow", "Gradient flow near initialization",
          "The margin gained is bounded below by the distance moved.", CLASSES, _near.flow,
          _TANGENT),
    Entry("thm-flow-both", "Gradient flow near initialization, both layers",
          "The same, with the tangent margin of both layers.", CLASSES, _near.both, _TANGENT),
    Entry("thm-flow-margin", "The NTK margin, for ever",
          "Gradient flow ends at a normalized margin that is known before training.", CLASSES,
          _near.margin, _TANGENT),
    Entry("thm-escape", "Where a start ends",
          "The start decides which KKT point gradient flow ends at.", CLASSES, _shapes.two),
    Entry("thm-collapse", "Neural collapse",
          "The smoothed margin is bounded below at every time.", CLASSES, _shapes.collapse),
    Entry("thm-collapse-opposite", "Neural collapse with opposite labels",
          "The same, good neurons may be active on points of the other label.", CLASSES,
          partial(_shapes.collapse, opposite=True)),
    Entry("thm-no-rotation", "No rotation",
          "The coupled flow attains the largest margin of its frozen features.", CLASSES,
          _shapes.frozen, _FROZEN),
    Entry("thm-certificate", "A certificate without a solver",
          "The coupled flow bounds the frozen margin from above by itself.", CLASSES,
          partial(_shapes.frozen, counted=False), _FROZEN),
    Entry("thm-parity-features", "Features that ignore the target",
          "Predictors from fixed features learn few parities.", CLASSES, _shapes.features),
    Entry("thm-parity-recovery", "Exact recovery",
          "The network of largest margin is the target itself.", CLASSES, _shapes.exact),
    Entry("thm-sym-optimum", "Optimum and rigidity",
          "No network beats the linear classifier by more than the slope allows.", CLASSES,
          _shapes.optimum, _LINEAR),
    Entry("thm-sym-universal", "Universal bound",
          "From any dominated start the margin tends to at least slope times linear.", CLASSES,
          _shapes.universal, _LINEAR),
    Entry("thm-sym-odd", "Oddness certificate",
          "As long as the network is nearly odd its margin grows as fast as can be.", CLASSES,
          _shapes.odd, _LINEAR),
    Entry("thm-sym-paired", "Paired starts", "Gradient flow attains the best margin.", CLASSES,
          _shapes.pairs, _LINEAR),
    Entry("thm-sym-acute", "Acute data", "Gradient flow attains the best margin.", CLASSES,
          _shapes.acute, _LINEAR),
    Entry("thm-sym-lock", "Lock-in",
          "All neurons stay good, and the flow attains the best margin.", CLASSES,
          _shapes.locked, _LINEAR),
    Entry("thm-sym-simple", "Early on, a classifier by the class means",
          "Small starts turn to the class means before they grow.", CLASSES, _shapes.simple),
    Entry("thm-locking", "Locking", "The limit of the margin is known exactly.", CLASSES,
          _shapes.lock),
    Entry("thm-fragile", "The trap", "Small starts end far below the largest margin.", CLASSES,
          _shapes.trap),
    Entry("thm-reg-outer", "The outer layer", "The loss falls to zero at a rate that grows.",
          REAL, _real.outer),
    Entry("thm-reg-pairs", "The certificate",
          "The loss falls to zero, and only listed pairs may flip.", REAL, _real.certificate),
    Entry("thm-spline", "From random knots to the natural cubic spline",
          "Wide networks tend to the natural cubic spline.", REAL, _real.spline),
    Entry("thm-single-neuron", "When one neuron has the least norm",
          "The network of least norm is a single neuron.", REAL, _real.one_neuron),
    Entry("thm-outer-risk", "Exact risk of outer-layer training",
          "The risk is known at every time.", REAL, _real.risk),
)  # fmt: skip
"""Every theorem that book/limits.yml lists, in that order."""

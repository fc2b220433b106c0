"""Gradient descent with the step eta / L, which is eta in the clock tau; and the reference."""

from __future__ import annotations

import itertools
from functools import partial

import torch

from _flow.crossing import crossings, segment
from _flow.problem import parity, runge_kutta, softmax


def autograd_descent(eta, adaptive=False, setup=parity):
    """``W -= eta grad ln L``. Adaptive: doubled when the loss falls, at most eta; else halved."""
    net, data, problem = setup()

    def evaluate(a, V):
        p = data.y * (torch.relu(data.X @ V.T) @ a)
        return p, torch.logsumexp(-p, 0)

    def steps():
        a, V = net.a.clone().requires_grad_(), net.V.clone().requires_grad_()
        log_loss = evaluate(a, V)[1]
        step, evaluations = min(eta, 1.0), 1
        for accepted in itertools.count(1):
            grad_a, grad_V = torch.autograd.grad(log_loss, (a, V))
            while True:
                with torch.no_grad():
                    new_a, new_V = a - step * grad_a, V - step * grad_V
                p, new_loss = evaluate(new_a.requires_grad_(), new_V.requires_grad_())
                evaluations += 1
                if not adaptive or new_loss.item() <= log_loss.item():
                    break
                step /= 2.0
            between = partial(torch_segment, a.detach(), V.detach(), new_a.detach(), new_V.detach())
            yield p.detach().min().item(), between, accepted, evaluations
            a, V, log_loss = new_a, new_V, new_loss
            step = min(2.0 * step, eta) if adaptive else eta

    return lambda targets, tick: crossings(problem, steps(), targets, tick)


def torch_segment(a, V, new_a, new_V, s):
    """The state of `Problem` at the fraction s of a straight step."""
    return torch.cat([a + s * (new_a - a), (V + s * (new_V - V)).T.ravel()]).numpy()


def closed_descent(eta, setup=parity):
    """The adaptive rule, with the gradient in closed form: what autograd costs."""
    _, _, problem = setup()

    def steps():
        W, step = problem.start, min(eta, 1.0)
        features, p = problem.forward(W)
        q, log_loss = softmax(p)
        evaluations = 1
        for accepted in itertools.count(1):
            slope = problem.slope(W, features, q)
            while True:
                new = W + step * slope
                features, p = problem.forward(new)
                q, new_loss = softmax(p)
                evaluations += 1
                if new_loss <= log_loss:
                    break
                step /= 2.0
            yield p.min(), partial(segment, W, new), accepted, evaluations
            W, log_loss, step = new, new_loss, min(2.0 * step, eta)

    return lambda targets, tick: crossings(problem, steps(), targets, tick)


def fixed_runge_kutta(c, setup=parity):
    """Steps ``c/||W||^2`` regardless of kinks: sliding pairs are crossed to and fro, to order 1."""
    _, _, problem = setup()

    def steps():
        W = problem.start
        for accepted in itertools.count(1):
            new = runge_kutta(problem, W, c / (W @ W))
            yield problem.min_margin(new), partial(segment, W, new), accepted, 4 * accepted
            W = new

    return lambda targets, tick: crossings(problem, steps(), targets, tick)

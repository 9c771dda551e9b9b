"""Muon for convolutions, AdamW for the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

# Coefficients of the quintic iteration that brings all singular values near 1.
_QUINTIC = (3.4445, -4.7750, 2.0315)
# An orthogonal update, so scaled, moves a weight as far as AdamW's typically does.
_ADAMW_SIZE = 0.2
_TINY = 1e-7


def orthogonalised(matrix: torch.Tensor, *, n_iterations: int = 5) -> torch.Tensor:
    """Bring a (M, N) matrix near the closest one with orthonormal rows or columns.

    Its singular values end between about 0.7 and 1.2.

    Reference:
        Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks", Newton-Schulz
        iteration.
    """
    a, b, c = _QUINTIC
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + _TINY)
    for _ in range(n_iterations):
        square = x @ x.T
        x = torch.addmm(x, b * square + c * square @ square, x, beta=a)
    return x.T if tall else x


def is_matrix(weight: torch.Tensor) -> bool:
    """Whether a weight mixes channels: a linear layer's or a convolution's, not a depthwise one."""
    return weight.ndim >= 2 and weight.shape[1] > 1


class MuonAdamW(torch.optim.Optimizer):
    """Orthogonalised momentum for weights that mix channels, AdamW for norms, biases and the rest.

    A convolution's weight (O, I, H, W) counts as a matrix (O, I * H * W). Both kinds share the rate
    and the weight decay.

    Reference:
        Jordan et al. 2024 (see ``orthogonalised``); the size of the update: Liu et al. 2025, "Muon
        is Scalable for LLM Training", eq. 4.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        *,
        weight_decay: float = 0.0,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        """Build the optimiser.

        Args:
            params: parameters or groups of them.
            lr: learning rate, as for AdamW.
            weight_decay: decoupled, times the rate.
            momentum: of Muon, in Nesterov's form.
            betas: of AdamW.
            eps: of AdamW.

        Raises:
            ValueError: a value out of range.
        """
        if not (0 <= momentum < 1 and all(0 <= beta < 1 for beta in betas)):
            raise ValueError(f"momentum {momentum} and betas {betas} lie in [0, 1)")
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "betas": tuple(betas),
            "eps": eps,
        }
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move the parameters that have a gradient."""
        del closure
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                p.mul_(1 - group["lr"] * group["weight_decay"])
                change = self._matrix_change if is_matrix(p) else self._adam_change
                p.add_(change(p, p.grad, group), alpha=-group["lr"])

    def _matrix_change(
        self, p: torch.Tensor, gradient: torch.Tensor, group: dict[str, Any]
    ) -> torch.Tensor:
        past = self._kept(p, "momentum")
        past.mul_(group["momentum"]).add_(gradient)
        ahead = gradient.add(past, alpha=group["momentum"])
        matrix = orthogonalised(ahead.reshape(len(p), -1))
        size = _ADAMW_SIZE * max(matrix.shape) ** 0.5
        change: torch.Tensor = size * matrix.reshape(p.shape)
        return change

    def _adam_change(
        self, p: torch.Tensor, gradient: torch.Tensor, group: dict[str, Any]
    ) -> torch.Tensor:
        first, second = self._kept(p, "exp_avg"), self._kept(p, "exp_avg_sq")
        state = self.state[p]
        state["step"] = int(state.get("step", 0)) + 1
        slow, slower = group["betas"]
        first.lerp_(gradient, 1 - slow)
        second.mul_(slower).addcmul_(gradient, gradient, value=1 - slower)
        spread = (second / (1 - slower ** state["step"])).sqrt_().add_(group["eps"])
        change: torch.Tensor = first / (1 - slow ** state["step"]) / spread
        return change

    def _kept(self, p: torch.Tensor, name: str) -> torch.Tensor:
        """Return a running value of a parameter; zeros at first."""
        state = self.state[p]
        if name not in state:
            state[name] = torch.zeros_like(p, memory_format=torch.preserve_format)
        kept: torch.Tensor = state[name]
        return kept

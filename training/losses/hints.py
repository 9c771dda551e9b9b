"""Learning from what a teacher sees on its way to its vector."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from training.distances import full_precision

# A channel that never moves is compared as it is.
_SMALLEST_SPREAD = 1e-3


class HintLoss(nn.Module):
    r"""Let linear views of a net's inner maps come near to a teacher's inner maps.

    .. math:: L = \frac1M \sum_m \frac{1}{B C_m H_m W_m} \sum
                  \left(\frac{(W_m a_m + b_m) - t_m}{s_m}\right)^2

    with the net's map a, the teacher's map t, one 1x1 convolution (W, b) for each pair of maps, and
    s the spread of each of the teacher's channels over the first batch.

    Reference:
        Romero et al. 2015, "FitNets: Hints for Thin Deep Nets", eq. 3, here for several maps, all
        the time, and with channels of equal weight.
    """

    def __init__(self, channels: Sequence[tuple[int, int]]) -> None:
        """Make the views.

        Args:
            channels: for each pair of maps, the channels of the net's and of the teacher's.
        """
        super().__init__()
        self.views = nn.ModuleList(nn.Conv2d(own, theirs, 1) for own, theirs in channels)
        for number, (_, theirs) in enumerate(channels):
            self.register_buffer(f"spread_{number}", torch.zeros(theirs))

    def forward(self, own: Sequence[torch.Tensor], theirs: Sequence[torch.Tensor]) -> torch.Tensor:
        """Compute the loss.

        Args:
            own: (B, C, H, W) maps of the net, one for each pair.
            theirs: (B, C', H, W) maps of the teachers, in the same order.

        Returns:
            Scalar float32.
        """
        parts = []
        for number, (view, seen, wanted) in enumerate(zip(self.views, own, theirs, strict=True)):
            # The arithmetic stays in the net's precision; the comparison does not.
            reduced = seen.dtype in (torch.bfloat16, torch.float16)
            with torch.autocast(seen.device.type, dtype=seen.dtype, enabled=reduced):
                shown = view(seen)
            difference = full_precision(shown) - full_precision(wanted)
            spread = self._spread(number, wanted)
            parts.append((difference / spread[:, None, None]).square().mean())
        return torch.stack(parts).mean()

    def _spread(self, number: int, wanted: torch.Tensor) -> torch.Tensor:
        """Return (C',), measured on the first (B, C', H, W) map that is seen."""
        spread: torch.Tensor = getattr(self, f"spread_{number}")
        if not bool(spread.any()):
            measured = full_precision(wanted).std(dim=(0, 2, 3), correction=0)
            spread.copy_(measured.clamp_min(_SMALLEST_SPREAD))
        return spread

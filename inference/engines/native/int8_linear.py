"""Linear layers whose weights are 8 bit integers, with a scale an output.

Halves what a bf16 model's weights take, at some accuracy. Only weights are
quantised; it needs nothing but torch (moshi's own needs bitsandbytes).
"""

import torch
from torch import nn

LEVELS = 127


class Int8Linear(nn.Linear):  # type: ignore[misc]  # torch's types are not read
    """Stands for a linear layer without bias."""

    def __init__(self, linear: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        weight = linear.weight.data
        # moshi reads device and type of the keys and values from the weight: an empty one tells.
        self.weight = nn.Parameter(torch.empty(0, device=weight.device, dtype=weight.dtype), False)
        self.register_parameter("bias", None)
        scale = weight.float().abs().amax(dim=1).clamp(min=1e-8) / LEVELS
        rounded = (weight.float() / scale[:, None]).round().to(torch.int8)
        self.register_buffer("quantised", rounded.contiguous())
        self.register_buffer("scale", scale.to(weight.dtype))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., in_features) to (..., out_features)."""
        rows = x.reshape(-1, self.in_features)
        if rows.is_cuda:
            out = nn.functional.linear(rows, self.quantised.to(rows.dtype)) * self.scale
        else:
            out = torch._weight_int8pack_mm(rows, self.quantised, self.scale)
        return out.reshape(*x.shape[:-1], self.out_features)


class Int8Gating(nn.Module):  # type: ignore[misc]
    """moshi's gated feed-forward, which reads its layers' weights behind their back."""

    def __init__(self, gating: nn.Module) -> None:
        super().__init__()
        self.linear_in = Int8Linear(gating.linear_in)
        self.linear_out = Int8Linear(gating.linear_out)
        self.activation = gating.activation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.linear_in(x)
        x = x.view(*x.shape[:2], 2, -1)
        return self.linear_out(self.activation(x[..., 0, :]) * x[..., 1, :])


def quantise(module: nn.Module) -> None:
    """Replace every linear layer without bias below `module`, its weights then gone."""
    for name, child in list(module.named_children()):
        if isinstance(child, Int8Linear | Int8Gating):
            continue
        if type(child).__name__ == "ActivationGating":
            setattr(module, name, Int8Gating(child))
        elif isinstance(child, nn.Linear) and child.bias is None:
            setattr(module, name, Int8Linear(child))
        else:
            quantise(child)

"""When a trial is stopped."""

from __future__ import annotations

from typing import Any


class EarlyTerminationPolicy:
    def __init__(self, kind: str | None, **fields: Any) -> None:
        self.spec = {"type": kind, **{k: v for k, v in fields.items() if v is not None}}


class BanditPolicy(EarlyTerminationPolicy):
    def __init__(
        self,
        evaluation_interval: int = 1,
        slack_factor: float | None = None,
        slack_amount: float | None = None,
        delay_evaluation: int = 0,
    ) -> None:
        super().__init__("bandit", evaluation_interval=evaluation_interval,
                         slack_factor=slack_factor, slack_amount=slack_amount,
                         delay_evaluation=delay_evaluation)  # fmt: skip


class MedianStoppingPolicy(EarlyTerminationPolicy):
    def __init__(self, evaluation_interval: int = 1, delay_evaluation: int = 0) -> None:
        super().__init__("median_stopping", evaluation_interval=evaluation_interval,
                         delay_evaluation=delay_evaluation)  # fmt: skip


class TruncationSelectionPolicy(EarlyTerminationPolicy):
    def __init__(
        self, truncation_percentage: int, evaluation_interval: int = 1, delay_evaluation: int = 0
    ) -> None:
        super().__init__("truncation_selection", truncation_percentage=truncation_percentage,
                         evaluation_interval=evaluation_interval,
                         delay_evaluation=delay_evaluation)  # fmt: skip


class NoTerminationPolicy(EarlyTerminationPolicy):
    def __init__(self) -> None:
        super().__init__(None)

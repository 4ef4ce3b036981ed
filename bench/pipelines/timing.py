"""Start and end times of pipelines."""

from dataclasses import dataclass, field


@dataclass
class Run:
    """Concurrent pipelines; name -> time on the monotonic clock."""

    started: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """Seconds from the first start to the last end."""
        return max(self.ended.values()) - min(self.started.values())

    @property
    def durations(self) -> list[float]:
        """Seconds of each pipeline."""
        return [ended - self.started[name] for name, ended in self.ended.items()]

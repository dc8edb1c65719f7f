"""A datapoint, and its text as a record of a metric stream."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

# Times are UTC milliseconds since 1970.
SECOND = 1000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND

# Percentiles and the like are further keys of a value: by name, as shares of the largest sample.
PERCENTILES = (("p99", 0.98), ("p99.9", 0.997), ("TM(25%:75%)", 0.6))


@dataclass(frozen=True, slots=True)
class Datapoint:
    """What CloudWatch knows of a metric in a period that starts `at`."""

    account: str
    region: str
    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    at: int
    count: float
    sum: float
    max: float
    min: float
    unit: str = "Count"
    extra: tuple[tuple[str, float], ...] = ()
    # Statistics that someone published without the extremes: both are 0.
    flat: bool = False

    def text(self, stream: str = "all-metrics") -> str:
        dimensions = ",".join(f'"{name}":"{value}"' for name, value in self.dimensions)
        extra = "".join(f',"{name}":{number(share * self.max)}' for name, share in self.extra)
        largest, least = (0, 0) if self.flat else (self.max, self.min)
        return (
            f'{{"metric_stream_name":"{stream}","account_id":"{self.account}","region":"{self.region}",'
            f'"namespace":"{self.namespace}","metric_name":"{self.metric}","dimensions":{{{dimensions}}},'
            f'"timestamp":{self.at},"value":{{"max":{number(largest)},"min":{number(least)},"sum":{number(self.sum)},'
            f'"count":{number(self.count)}{extra}}},"unit":"{self.unit}"}}'
        )

    def turned(self) -> "Datapoint":
        """The same with its dimensions in another order."""
        return replace(self, dimensions=self.dimensions[::-1])

    def earlier(self) -> "Datapoint":
        """The same before its last sample came."""
        kept = (self.count - 1) / self.count
        return replace(self, count=self.count - 1, sum=self.sum * kept)


def number(value: float) -> str:
    return repr(round(float(value), 6))


@dataclass(frozen=True, slots=True)
class Metrics:
    """Makes datapoints of one namespace in an account."""

    home: tuple[str, str]
    namespace: str

    def counter(
        self,
        metric: str,
        dimensions: tuple[tuple[str, str], ...],
        at: int,
        total: float,
        unit: str = "Count",
        flat: bool = False,
    ) -> Datapoint:
        """So many times one, each a sample of its own."""
        count = max(total, 1)
        return Datapoint(
            *self.home,
            self.namespace,
            metric,
            dimensions,
            at,
            count,
            total,
            min(total, 1),
            min(total, 1),
            unit,
            (),
            flat,
        )

    def gauge(
        self,
        metric: str,
        dimensions: tuple[tuple[str, str], ...],
        at: int,
        samples: list[float],
        unit: str = "Count",
        extra: tuple[tuple[str, float], ...] = (),
    ) -> Datapoint:
        """Samples of a level or of durations."""
        return Datapoint(
            *self.home,
            self.namespace,
            metric,
            dimensions,
            at,
            len(samples),
            sum(samples),
            max(samples),
            min(samples),
            unit,
            extra,
        )


Datapoints = Iterator[Datapoint]

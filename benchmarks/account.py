"""Where a run's wall time went: in workers, waiting, and in the suite itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.budget import Budget
from benchmarks.cluster import number_of_nodes
from benchmarks.journal import Record


@dataclass(frozen=True)
class Account:
    """Seconds of a run.

    ``imports`` is importing the frameworks, ``compiling`` building models, compiling
    and the warm-up epoch, ``measured`` the rounds that count, ``disturbed`` those that
    do not, ``around`` what loops took besides their epochs, ``waited`` the pauses for a
    quiet machine, ``failed`` launches that came to nothing, ``processes`` starting and
    ending workers, ``audits`` reading back GPU memory pools, ``others`` tests that are
    no training cases. What is left of ``wall`` is the suite's own. ``budget`` is what
    was to be used for launches and what is between them, ``used`` what was; None where
    it was not limited. On a cluster ``wall`` is the time of its ``nodes`` together, and
    what they waited for launches is the suite's, too.
    """

    wall: float
    imports: float
    compiling: float
    measured: float
    disturbed: float
    around: float
    waited: float
    failed: float
    processes: float = 0.0
    audits: float = 0.0
    others: float = 0.0
    budget: float | None = None
    used: float | None = None
    nodes: int | None = None

    @property
    def suite(self) -> float:
        """What the suite itself took: reading images, watching, keeping results."""
        training = self.measured + self.disturbed + self.around
        workers = self.imports + self.compiling + training
        workers += self.processes + self.audits
        return self.wall - workers - self.waited - self.failed - self.others

    def __str__(self) -> str:
        def share(seconds: float) -> str:
            return f"{100 * seconds / self.wall:.1f} %"

        parts = [
            f"measured training {share(self.measured)}",
            f"compiling and warming up {share(self.compiling)}",
            f"importing {share(self.imports)}",
        ]
        if self.disturbed:
            parts.append(f"disturbed rounds {share(self.disturbed)}")
        parts.append(f"around epochs {share(self.around)}")
        if self.processes:
            parts.append(f"starting and ending processes {share(self.processes)}")
        if self.audits:
            parts.append(f"reading back memory {share(self.audits)}")
        if self.waited:
            parts.append(f"waiting for quiet {share(self.waited)}")
        if self.failed:
            parts.append(f"failed launches {share(self.failed)}")
        if self.others:
            parts.append(f"other benchmarks {share(self.others)}")
        parts.append(f"the suite {share(self.suite)}")
        of_nodes = "" if self.nodes is None else f" of {number_of_nodes(self.nodes)}"
        text = f"{self.wall:.0f} s{of_nodes}: {', '.join(parts)}"
        if self.budget is not None:
            text += f"; budget {self.budget:g} s: used {self.used:.0f} s"
        return text


def account(
    records: Sequence[Record],
    wall: float,
    budget: Budget | None = None,
    nodes: int | None = None,
    others: float = 0.0,
) -> Account:
    """The account of a run of ``wall`` seconds that made the launches of ``records``.

    ``others`` are the seconds of tests that are no cases. Whether a round counts is
    only known when its case is settled: here one does if nothing disturbed it.
    """
    launches = [record.launch for record in records if record.launch is not None]
    rounds = [round_ for launch in launches for round_ in launch.rounds]
    return Account(
        wall=wall,
        imports=sum(each.phases.import_seconds for each in launches),
        compiling=sum(
            each.phases.build_seconds + each.phases.first_seconds for each in launches
        ),
        measured=sum(round_.seconds for round_ in rounds if round_.counts),
        disturbed=sum(round_.seconds for round_ in rounds if not round_.counts),
        around=sum(each.phases.around_seconds for each in launches),
        waited=sum(each.waited_seconds for each in launches),
        failed=sum(record.seconds for record in records if record.launch is None),
        processes=sum(
            each.phases.start_seconds + each.phases.end_seconds for each in launches
        ),
        audits=sum(each.phases.audit_seconds for each in launches),
        others=others,
        budget=None if budget is None else budget.seconds,
        used=None if budget is None else budget.used,
        nodes=nodes,
    )

"""The campaign of a pytest session: its journal, its results, what became of both."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from benchmarks.account import Account, account
from benchmarks.budget import Budget
from benchmarks.campaign import Campaign
from benchmarks.cluster.campaign import ClusterCampaign
from benchmarks.cluster.progress import ClusterReporter
from benchmarks.cluster.selection import Selection
from benchmarks.cluster.workplace import Workplace
from benchmarks.journal import Journal, describe_other
from benchmarks.outcomes import CaseOutcome, Outcome
from benchmarks.plan import Plan
from benchmarks.progress import Reporter
from benchmarks.settling import Effort
from benchmarks.suite import Suite
from histocnn.errors import InputError
from histocnn.job import Job
from histocnn.measurement import Measurement


@dataclass(frozen=True)
class Named:
    """A job under the names that pytest has for its case."""

    job: Job
    name: str
    fullname: str
    skip: str | None = None  # why it cannot run


@dataclass(frozen=True)
class Keeping:
    """How the journal is kept: where, of what plan, and whether an old one goes on."""

    folder: Path
    plan: Plan
    resume: bool


class Conductor:
    """The campaign of a session, in front of the person who waits for it."""

    def __init__(
        self,
        config: pytest.Config,
        suite: Suite,
        cases: Sequence[Named],
        reporter: Reporter,
        keeping: Keeping | None,
        *,
        order_seed: int,
        budget: float | None = None,
    ) -> None:
        """Nothing runs yet.

        ``keeping`` None: a trial (`--benchmark-disable`), of which nothing stays;
        ``budget``: seconds of wall time for all launches.
        """
        self._config = config
        self._suite = suite
        self._cases = cases
        self._reporter = reporter
        self._keeping = keeping
        self._order_seed = order_seed
        self._budget_seconds = budget
        self._journal: Journal | None = None
        self._campaign: Campaign | ClusterCampaign | None = None
        self._budget: Budget | None = None
        #: What the session is to end with, once what is finished has been picked up.
        self.broken_off: BaseException | None = None
        self.resume_hint = ""
        #: Of this session's tests that are no cases.
        self.other_seconds = 0.0
        self._handed: set[str] = set()  # ids of the jobs whose results were taken

    def result(self, job: Job) -> Measurement | CaseOutcome | None:
        """What came of ``job``, once it is measured. None: it was not begun.

        On this machine the first call measures all; a cluster does so beside.
        """
        if self._campaign is None:
            with terminal(self._config):
                self._campaign = self._begin()
        if self.broken_off is None and not self._campaign.is_settled(job):
            with terminal(self._config):
                self._run(self._campaign, job)
        self._handed.add(job.id)
        return self._campaign.result(job)

    def open(self) -> None:
        """Take the journal, before anything is measured.

        Raises `pytest.UsageError` where there can be none.
        """
        if self._keeping is None:
            return
        with terminal(self._config):
            try:
                self._journal = self._open(self._keeping)
            except InputError as error:
                raise pytest.UsageError(str(error)) from None
            for problem in self._journal.problems:
                self._reporter.say(problem)

    def outcomes(self) -> Iterator[dict[str, Any]]:
        """Cases without a time, as the saved file lists them."""
        for case in self._cases:
            if case.skip is not None:
                known = Outcome("unsupported", case.skip).anonymous()
                outcome = CaseOutcome(case.job, known)
            else:
                found = self._campaign.result(case.job) if self._campaign else None
                if not isinstance(found, CaseOutcome):
                    continue
                outcome = found
            saved = self._as_saved(case)
            launched = saved["launched"] | outcome.launched
            yield {**saved, **msgspec.to_builtins(outcome), "launched": launched}

    def wanted(self) -> list[dict[str, Any]] | None:
        """Cases that are to run, named as `outcomes` are; None on a cluster."""
        if self._suite.selection is not None:
            return None
        return [self._as_saved(case) for case in self._runnable]

    def _as_saved(self, case: Named) -> dict[str, Any]:
        """Names, job and what its workers start as, as the saved file has them."""
        return {
            "name": case.name,
            "fullname": case.fullname,
            "params": msgspec.to_builtins(case.job),
            "launched": self._suite.launched_as(case.job),
        }

    def images(self) -> dict[str, str]:
        """The container images that launches ran in: identities by name."""
        launches = self._campaign.launches() if self._campaign else ()
        return {
            launch.launched["image"]: launch.launched["image_id"]
            for launch in launches
            if "image_id" in launch.launched
        }

    def account(self) -> Account | None:
        """Where the wall time since the process started went; None without launches.

        On a cluster it is that of all nodes together.
        """
        if self._campaign is None or not self._campaign.made:
            return None
        if isinstance(self._campaign, ClusterCampaign):
            roster = self._campaign.roster
            return account(self._campaign.made, roster.seconds(), nodes=roster.counted)
        wall = time.time() - psutil.Process().create_time()
        return account(
            self._campaign.made, wall, self._budget, others=self.other_seconds
        )

    def cluster_facts(self) -> dict[str, Any] | None:
        """Nodes that launches ran on, for the saved file; None without a cluster."""
        if self._suite.selection is None:
            return None
        if not isinstance(self._campaign, ClusterCampaign):
            return self._suite.selection.facts({}, ())
        campaign = self._campaign
        return self._suite.selection.facts(campaign.nodes_used(), campaign.roster.seen)

    @property
    def budget_hint(self) -> str:
        """What did not fit into the budget; "" for nothing that needs saying."""
        campaign = self._campaign
        if campaign is None:
            return ""
        # The same command again would not get any further.
        if not campaign.made and (seconds := campaign.shortest_due()) is not None:
            return (
                "no launch was begun: the shortest that is due should take "
                f"{seconds:.3g} s; raise --budget"
            )
        number = len(campaign.not_begun())
        if not number:
            return ""
        cases = "1 case was" if number == 1 else f"{number} cases were"
        how = "; the same command with --resume goes on" if self._keeping else ""
        return f"{cases} {self._not_begun}{how}"

    def why_not(self, job: Job) -> str:
        """Why nothing came of ``job``, of which no launch has ended."""
        if self._campaign is not None and job in self._campaign.not_begun():
            return self._not_begun
        return "the session was broken off before its first launch had ended"

    @property
    def _not_begun(self) -> str:
        if isinstance(self._campaign, ClusterCampaign):
            return self._campaign.why_given_up
        assert self._budget is not None
        return f"not begun within the budget of {self._budget.seconds:g} s"

    def saved(self, *, to_file: bool, failed: bool = False) -> None:
        """The session ends; results were written (``to_file``) or only shown.

        ``failed``: a file was asked for, and could not be written.
        """
        if self._journal is None:
            return
        made = self._campaign.made if self._campaign is not None else []
        why = self._why_kept(to_file=to_file, failed=failed)
        if not why or not (self._journal.records or made):
            self._journal.remove()
            return
        self._journal.close()
        self.resume_hint = (
            f"finished launches are in {self._journal.path}{why}; "
            "the same command with --resume takes them up"
        )

    def _why_kept(self, *, to_file: bool, failed: bool) -> str:
        """What the journal has that no file has, or would be needed for; "" for none.

        pytest ends early (`-x`) where a case has failed: others that have a time are
        then in no file.
        """
        due = {case.job.id for case in self._runnable}
        campaign = self._campaign
        if campaign is None or self.broken_off or not campaign.is_complete():
            return ", and something is left to measure"
        if failed:
            return ", since saving failed"
        if not to_file:
            return ", and nothing was saved (--benchmark-autosave saves)"
        if due - self._handed:
            return ", and not all of it was saved"
        if campaign.holds_more():
            return ", more of them than this run was to have"
        return ""

    @property
    def has_outcomes(self) -> bool:
        """Whether a case was tried and has no time, in a run that is to be kept."""
        if self._campaign is None or self._keeping is None:
            return False
        results = (self._campaign.result(case.job) for case in self._runnable)
        return any(isinstance(each, CaseOutcome) for each in results)

    @property
    def _runnable(self) -> list[Named]:
        return [case for case in self._cases if case.skip is None]

    def _begin(self) -> Campaign | ClusterCampaign:
        jobs = [case.job for case in self._runnable]
        effort = self._suite.effort(once=self._keeping is None)
        if self._suite.selection is not None:
            return self._begin_on_cluster(self._suite.selection, jobs, effort)
        if self._budget_seconds is not None:
            policy = self._suite.policy(once=self._keeping is None)
            effort = policy.effort
            self._budget = budget = Budget(self._budget_seconds, policy)
            self._reporter.limit(lambda: budget.left)
        return Campaign(
            jobs,
            effort,
            lambda job, number, effort: self._suite.launch(
                job, effort, number, self._reporter.on_step
            ),
            self._journal,
            self._reporter,
            seed=self._order_seed,
            most_failures=self._config.getoption("maxfail") or 0,
            budget=self._budget,
        )

    def _begin_on_cluster(
        self, selection: Selection, jobs: list[Job], effort: Effort
    ) -> ClusterCampaign:
        assert isinstance(self._reporter, ClusterReporter)
        campaign = ClusterCampaign(
            jobs,
            effort,
            Workplace(
                selection.cluster,
                selection.nodes,
                lambda job: selection.machine_of(job).digest,
                self._suite.arrays,
            ),
            self._journal,
            self._reporter,
            seed=self._order_seed,
            most_failures=self._config.getoption("maxfail") or 0,
        )
        self._reporter.expect(campaign.seconds_left)
        return campaign

    def _open(self, keeping: Keeping) -> Journal:
        """The journal to write: an old one of the same plan where that is to go on."""
        folder, plan = keeping.folder, keeping.plan
        if keeping.resume:
            found = Journal.resume(folder, plan.id)
            if found is not None:
                finished = sum(record.launch is not None for record in found.records)
                self._reporter.say(
                    f"resuming the run of {found.header.started[:16]} UTC: "
                    f"{finished} launches are finished"
                )
                return found
            other = describe_other(folder, plan.facts)
            why = f" ({other})" if other else ""
            self._reporter.say(f"no run of this plan to resume{why}; starting anew")
        return Journal.create(folder, plan.id, plan.facts)

    def _run(self, campaign: Campaign | ClusterCampaign, job: Job) -> None:
        try:
            campaign.bring(job)
        except InputError as failure:  # no journal any more, or no cluster
            self.broken_off = pytest.exit.Exception(str(failure), returncode=1)
        except (KeyboardInterrupt, pytest.exit.Exception) as interrupt:
            self.broken_off = interrupt
        except Exception as error:  # a fault of the suite's, told with its traceback
            self.broken_off = error
        finally:
            self._reporter.wipe()


@contextmanager
def terminal(config: pytest.Config) -> Iterator[None]:
    """Let what is printed through to the terminal, on a line of its own."""
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        writer = config.get_terminal_writer()
        if writer.width_of_current_line:
            writer.line()
        yield

"""What Linux tells of CPUs, on files prepared as it writes them."""

from pathlib import Path

import pytest

from benchmarks.sentinel.cpu import Clock, CpuTimes, Pressure, Times

STAT = """\
cpu  300 0 60 2000 50 0 0 40 0 0
cpu0 100 5 20 900 10 1 2 30 50 0
cpu1 200 0 40 1100 40 0 0 10 0 0
cpu10 7 0 0 3 0 0 0 0 0 0
intr 5 1 2 3
"""
CPUINFO = """\
processor\t: 0
model name\t: Some CPU @ 2.30GHz
cpu MHz\t\t: 2200.000
flags\t\t: fpu

processor\t: 1
model name\t: Some CPU @ 2.30GHz
cpu MHz\t\t: 1800.500
"""


def put(root: Path, path: str, text: str) -> Path:
    """Write a file of the machine's under ``root``."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def times(root: Path, *cpus: int) -> CpuTimes | None:
    """What /proc/stat says of them now."""
    meter = Times(cpus, root)
    found = meter.parse(meter.read())
    meter.close()
    return found


def test_times_are_of_the_pinned_cpus_alone(tmp_path: Path) -> None:
    """Hundredths of a second of eight columns; guests are in user's already."""
    put(tmp_path, "proc/stat", STAT)
    found = times(tmp_path, 0)
    assert found is not None
    assert found.counted == pytest.approx(10.68)
    assert found.unused == pytest.approx(9.10)
    assert found.stolen == pytest.approx(0.30)
    both = times(tmp_path, 0, 1)
    assert both is not None
    assert both.unused == pytest.approx(20.50)


def test_cpu_1_is_not_taken_for_cpu_10(tmp_path: Path) -> None:
    put(tmp_path, "proc/stat", STAT)
    ten = times(tmp_path, 10)
    assert ten is not None
    assert ten.counted == pytest.approx(0.10)


@pytest.mark.parametrize(
    "text",
    ["", "cpu  1 2\n", STAT.replace("cpu1 ", "cpu3 "), STAT.replace("1100", "?")],
    ids=["empty", "no cpus", "the CPU is off", "no number"],
)
def test_times_that_cannot_be_told_are_none(tmp_path: Path, text: str) -> None:
    put(tmp_path, "proc/stat", text)
    assert times(tmp_path, 0, 1) is None


def test_an_old_kernel_without_steal_is_none(tmp_path: Path) -> None:
    put(tmp_path, "proc/stat", "cpu  1 2 3 4\ncpu0 1 2 3 4\n")
    assert times(tmp_path, 0) is None


def test_no_file_is_none(tmp_path: Path) -> None:
    assert times(tmp_path, 0) is None


def test_times_are_read_anew_and_end_with_the_file(tmp_path: Path) -> None:
    """The file stays open; when it turns empty or is closed, there is nothing."""
    file = put(tmp_path, "proc/stat", STAT)
    meter = Times((1,), tmp_path)
    before = meter.parse(meter.read())
    file.write_text(STAT.replace("cpu1 200", "cpu1 300"))
    after = meter.parse(meter.read())
    assert before is not None
    assert after is not None
    assert after.counted - before.counted == pytest.approx(1.0)
    file.write_text("")
    assert meter.parse(meter.read()) is None
    meter.close()
    assert meter.parse(meter.read()) is None


def test_pressure_is_of_some_for_cpus_and_of_all_else(tmp_path: Path) -> None:
    """Microseconds become seconds; a resource without a file is left out."""
    lines = "{} avg10=0.00 avg60=0.00 avg300=0.00 total={}\n"
    both = lines.format("some", 2_500_000) + lines.format("full", 500_000)
    put(tmp_path, "proc/pressure/cpu", both)
    put(tmp_path, "proc/pressure/io", both)
    meter = Pressure(tmp_path)
    assert meter.read() == {"cpu": 2.5, "io": 0.5}
    meter.close()


def test_pressure_that_is_malformed_is_left_out(tmp_path: Path) -> None:
    put(tmp_path, "proc/pressure/memory", "full avg10=0.00 total=\n")
    put(tmp_path, "proc/pressure/io", "some total=7\n")
    meter = Pressure(tmp_path)
    assert meter.read() == {}
    meter.close()


def test_the_clock_is_that_of_the_fastest_pinned_cpu(tmp_path: Path) -> None:
    """By cpufreq, in kHz; not by /proc/cpuinfo where there is cpufreq."""
    put(tmp_path, "proc/cpuinfo", CPUINFO)
    for cpu, khz in ((0, 3_000_000), (1, 2_000_000), (2, 9_000_000)):
        folder = f"sys/devices/system/cpu/cpu{cpu}/cpufreq"
        put(tmp_path, f"{folder}/scaling_cur_freq", f"{khz}\n")
    meter = Clock((0, 1), tmp_path)
    assert meter.read(now=0.0) == 3000.0
    meter.close()


def test_without_cpufreq_the_clock_is_cpuinfos(tmp_path: Path) -> None:
    put(tmp_path, "proc/cpuinfo", CPUINFO)
    assert Clock((1,), tmp_path).read(now=0.0) == 1800.5


@pytest.mark.parametrize("text", [None, "", "processor\t: 0\nBogoMIPS\t: 50.00\n"])
def test_a_machine_without_a_clock_has_none(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        put(tmp_path, "proc/cpuinfo", text)
    assert Clock((0,), tmp_path).read(now=0.0) is None


def test_the_clock_is_read_once_a_second_at_most(tmp_path: Path) -> None:
    file = put(tmp_path, "proc/cpuinfo", CPUINFO)
    meter = Clock((0,), tmp_path)
    assert meter.read(now=5.0) == 2200.0
    file.write_text(CPUINFO.replace("2200", "1100"))
    assert meter.read(now=5.9) == 2200.0
    assert meter.read(now=500.0) == 1100.0

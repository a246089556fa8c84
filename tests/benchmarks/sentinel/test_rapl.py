"""Energy meters of processors, on a prepared /sys/class/powercap."""

from pathlib import Path

from benchmarks.sentinel.rapl import Rapl


def put_zone(root: Path, zone: str, name: str, energy: str, most: int = 1000) -> Path:
    """A zone as the kernel shows it; the file of its counter."""
    folder = root / "sys/class/powercap" / zone
    folder.mkdir(parents=True)
    (folder / "name").write_text(name + "\n")
    (folder / "max_energy_range_uj").write_text(f"{most}\n")
    (folder / "energy_uj").write_text(energy)
    return folder / "energy_uj"


def test_packages_and_their_memory_count_parts_of_packages_do_not(
    tmp_path: Path,
) -> None:
    for zone, name in {
        "intel-rapl:0": "package-0",
        "intel-rapl:0:0": "core",
        "intel-rapl:0:1": "dram",
        "intel-rapl:1": "package-1",
        "intel-rapl:1:0": "dram",
        "intel-rapl:2": "psys",
        "intel-rapl-mmio:0": "package-0",
    }.items():
        put_zone(tmp_path, zone, name, "5\n")
    rapl = Rapl(tmp_path)
    assert rapl.read() == {"package-0": 0, "dram-0": 0, "package-1": 0, "dram-1": 0}
    rapl.close()


def test_joules_go_on_where_the_counter_starts_again(tmp_path: Path) -> None:
    """Differences add up; past its range the counter begins at 0."""
    counter = put_zone(tmp_path, "intel-rapl:0", "package-0", "900000\n", 1_000_000)
    rapl = Rapl(tmp_path)
    assert rapl.read() == {"package-0": 0.0}
    counter.write_text("950000\n")
    assert rapl.read() == {"package-0": 0.05}
    counter.write_text("150000\n")
    assert rapl.read() == {"package-0": 0.25}
    rapl.close()


def test_a_counter_that_turns_unreadable_is_left_out(tmp_path: Path) -> None:
    counter = put_zone(tmp_path, "intel-rapl:0", "package-0", "900\n")
    rapl = Rapl(tmp_path)
    assert rapl.read() == {"package-0": 0.0}
    counter.write_text("")
    assert rapl.read() == {}
    rapl.close()


def test_what_cannot_be_read_or_makes_no_sense_is_left_out(tmp_path: Path) -> None:
    """Only root may read the counter on most machines: there it is as if absent."""
    put_zone(tmp_path, "intel-rapl:0", "package-0", "5\n").unlink()
    put_zone(tmp_path, "intel-rapl:1", "package-1", "many\n")
    put_zone(tmp_path, "intel-rapl:2", "package-2", "5\n", most=0)
    half = put_zone(tmp_path, "intel-rapl:3", "package-3", "5\n").parent
    (half / "max_energy_range_uj").unlink()
    rapl = Rapl(tmp_path)
    assert rapl.read() == {}
    rapl.close()


def test_a_machine_without_meters_has_none(tmp_path: Path) -> None:
    assert Rapl(tmp_path).read() == {}

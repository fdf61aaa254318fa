"""How many threads a step takes; time is told, never measured."""

import threading

import pytest
import torch

from phoque import cores as of_machine
from phoque.cores import quota
from phoque.models.packed import threads
from phoque.models.packed.threads import Pace


class Machine:
    """Steps take as long as is said for the number of threads they use."""

    def __init__(self, most=2, **options):
        self.now = 0.0
        self.seconds = {1: 0.12, 2: 0.09}
        self.pace = Pace(most, clock=lambda: self.now, **options)

    def steps(self, count):
        used = []
        for _ in range(count):
            used.append(self.pace.threads)
            self.now += self.seconds[used[-1]]
            self.pace.note(self.seconds[used[-1]])
        return used


def test_the_faster_number_is_found_and_kept():
    machine = Machine()
    assert machine.steps(4) == [2, 1, 2, 1]
    assert set(machine.steps(10)) == {2}


def test_a_machine_that_is_busy_from_the_start_takes_one_thread():
    machine = Machine()
    machine.seconds[2] = 0.6
    machine.steps(4)
    assert set(machine.steps(10)) == {1}


def test_when_another_program_comes_one_thread_goes_on_and_two_come_back():
    machine = Machine()
    machine.steps(10)
    machine.seconds[2] = 0.6
    used = machine.steps(20)
    assert used[:2] == [2, 2]
    assert used[2:].count(2) <= 1
    machine.seconds[2] = 0.09
    assert machine.steps(100)[-1] == 2


def test_trials_become_rare_while_the_machine_stays_busy():
    machine = Machine()
    machine.seconds[2] = 1.0
    machine.steps(4)
    used = machine.steps(1000)
    assert 3 <= used.count(2) <= 12


def test_one_slow_step_changes_nothing():
    machine = Machine()
    machine.steps(6)
    machine.pace.note(1.0)
    assert set(machine.steps(5)) == {2}


def test_a_number_that_may_not_change_does_not():
    machine = Machine(steady=False)
    machine.seconds[2] = 5.0
    assert set(machine.steps(50)) == {2}


def test_one_allowed_thread_leaves_nothing_to_decide():
    assert set(Machine(most=1).steps(50)) == {1}


def test_many_threads_are_tried_at_several_numbers():
    machine = Machine(most=8)
    machine.seconds |= {8: 0.5, 7: 0.03, 4: 0.05}
    machine.steps(8)
    assert set(machine.steps(10)) == {7}


@pytest.mark.parametrize(
    ("text", "cores"),
    [("max 100000", 2**31), ("100000 100000", 1), ("350000 100000", 3), ("50000 100000", 1)],
)
def test_a_containers_quota_is_kept(tmp_path, text, cores, monkeypatch):
    (tmp_path / "cpu.max").write_text(text + "\n")
    assert quota(tmp_path) == cores


def test_the_older_form_of_a_quota_is_read(tmp_path):
    assert quota(tmp_path) == 2**31
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("150000\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert quota(tmp_path) == 1
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("-1\n")
    assert quota(tmp_path) == 2**31


def test_no_more_threads_than_quota_and_affinity(monkeypatch):
    monkeypatch.setattr(of_machine, "quota", lambda path: 1)
    assert threads.allowed_threads() == 1


def test_a_thread_that_begins_meanwhile_keeps_its_own_number():
    usual, seen = torch.get_num_threads(), []
    if usual == 1:
        pytest.skip("one thread is all there is")

    def program():
        torch.ones(4) @ torch.ones(4)
        seen.append(torch.get_num_threads())

    with threads.using(1):
        assert torch.get_num_threads() == 1
        other = threading.Thread(target=program)
        other.start()
        other.join()
    assert seen == [usual]
    assert torch.get_num_threads() == usual

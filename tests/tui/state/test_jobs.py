"""Jobs in threads: their events, their ends, and what becomes of those that nobody wants any more."""

import threading
from pathlib import Path

from engine.base.context import Context
from engine.base.errors import DataError, Stopped
from engine.base.events import Event, Notice, Progress
from tests.makers.drive import run, text, until
from tui.app import Workbench
from tui.screens.frame import Frame


def test_the_workbench_is_what_screens_and_state_ask_for(tmp_path: Path) -> None:
    frame: Frame = Workbench(tmp_path)  # the types are checked
    assert frame.listeners == []


def test_what_a_job_said_last_is_taken_in_before_its_end(tmp_path: Path) -> None:
    heard: list[Event] = []
    at_the_end: list[int] = []

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test() as pilot:
            first = threading.Event()

            def work(context: Context) -> str:
                context.emit(Notice("info", "first"))
                first.wait(30)
                for number in range(5):  # so soon after the first that the screen would not be told yet
                    context.emit(Notice("info", f"last {number}"))
                return "result"

            job = app.session.start("job", "working", work, lambda _: at_the_end.append(len(heard)))
            job.hear = heard.append
            await until(pilot, lambda: heard)
            first.set()
            await until(pilot, lambda: at_the_end)

    run(scenario())
    assert at_the_end == [6]


def test_an_error_is_a_sentence_unless_somebody_takes_it(tmp_path: Path) -> None:
    taken: list[Exception] = []
    log = tmp_path / "log"

    def fail(context: Context) -> None:
        raise DataError("The folder is empty.")

    def break_down(context: Context) -> None:
        raise ZeroDivisionError("by nothing")

    async def scenario() -> None:
        app = Workbench(tmp_path, log=log)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            app.session.start("one", "failing", fail)
            await until(pilot, lambda: "The folder is empty." in text(app))
            app.session.start("two", "failing", break_down)
            await until(pilot, lambda: "Internal error, ZeroDivisionError: by nothing" in text(app))
            app.session.start("three", "failing", fail, failed=taken.append)
            await until(pilot, lambda: taken)
            assert not app.session.jobs

    run(scenario())
    assert isinstance(taken[0], DataError) and "break_down" in log.read_text(encoding="utf-8")


def test_the_result_of_a_cancelled_job_goes_nowhere_and_the_next_of_its_group_is_heard(tmp_path: Path) -> None:
    results: list[str] = []

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test() as pilot:
            began, ended = threading.Event(), threading.Event()

            def slow(context: Context) -> str:
                began.set()
                while not context.stop.is_set():
                    ended.wait(0.01)
                ended.set()
                return "unwanted"

            job = app.session.start("group", "first", slow, results.append)
            await until(pilot, began.is_set)
            app.session.start("group", "second", lambda context: "wanted", results.append)
            await until(pilot, lambda: results)
            await until(pilot, ended.is_set)
            await pilot.pause(0.1)
            assert job.over and job.stop.is_set() and not app.session.jobs

    run(scenario())
    assert results == ["wanted"]


def test_who_waits_for_a_job_that_the_user_cancels_learns_of_it(tmp_path: Path) -> None:
    failures: list[Exception] = []

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test() as pilot:

            def work(context: Context) -> None:
                context.emit(Progress("waiting", 1, 2))
                while not context.stop.is_set():
                    threading.Event().wait(0.01)

            job = app.session.start("group", "waiting", work, failed=failures.append)
            await until(pilot, lambda: job.progress)
            app.session.give_up(job)
            assert isinstance(failures[0], Stopped)

    run(scenario())


def test_a_job_that_holds_keeps_its_place_until_its_thread_has_ended(tmp_path: Path) -> None:
    results: list[str] = []

    async def scenario() -> None:
        app = Workbench(tmp_path)
        async with app.run_test() as pilot:
            release = threading.Event()

            def work(context: Context) -> str:
                release.wait(30)
                return "kept"

            job = app.session.start("long", "keeping", work, results.append)

            def over() -> bool:
                return job.over

            job.holds = True
            app.session.cancel("long")
            await pilot.pause(0.1)
            assert job.stop.is_set() and app.session.jobs == {"long": job} and not over()
            release.set()
            await until(pilot, lambda: results)
            assert over() and not app.session.jobs

    run(scenario())
    assert results == ["kept"]

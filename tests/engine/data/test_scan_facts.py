"""What a scan tells of the images of a folder: equal ones, their workbook, JSON, progress, and how classes spread."""

import json
import os
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import Stopped
from engine.base.events import Event, Progress
from engine.data.parallel import Pulse, spread
from engine.data.scan import scan
from tests.makers.folders import kinds, picture, put, workbook


class TestDuplicates:
    def test_equal_pixels_are_found_across_names_formats_and_classes(self, tmp_path: Path) -> None:
        same, rgb = picture(1), np.repeat(picture(1)[..., None], 3, axis=2)
        put(tmp_path, "A/2.png", same)
        put(tmp_path, "A/10.bmp", rgb)
        put(tmp_path, "A/3.png")
        put(tmp_path, "B/x.tif", same)
        found = scan(tmp_path)
        assert found.duplicates == (("A/2.png", "A/10.bmp", "B/x.tif"),)
        assert kinds(found) == [("B/x.tif", "label-conflict")]
        assert 'A/2.png of class "A"' in found.problems[0].reason

    def test_one_level_in_one_pixel_makes_another_picture(self, tmp_path: Path) -> None:
        other = picture(1)
        other[3, 3] ^= 1
        put(tmp_path, "A/1.png", picture(1))
        put(tmp_path, "A/2.png", other)
        put(tmp_path, "A/3.png", picture(1).T)
        assert scan(tmp_path).duplicates == ()


class TestWorkbook:
    def test_sources_are_found_whatever_the_case_and_suffix_of_the_names(self, database: Path) -> None:
        urls = ("https://a.example", "https://b.example", "https://a.example")
        names = ("covid-1", "COVID-2.png", "Covid-10.PNG")
        workbook(database / "covid.metadata.xlsx", [(n, "PNG", "256*256", u) for n, u in zip(names, urls, strict=True)])
        found = scan(database)
        assert [record.source for record in found.records[:3]] == list(urls)
        assert found.classes["COVID"].sources == {"https://a.example": 2, "https://b.example": 1}
        assert found.classes["Normal"].sources == {}
        assert found.problems == ()

    def test_images_that_it_lacks_are_told_once(self, database: Path) -> None:
        workbook(database / "COVID.metadata.xlsx", [("COVID-1", "PNG", "1*1", "u"), (None, None, None, "v"), ()])
        found = scan(database)
        assert kinds(found) == [("COVID.metadata.xlsx", "workbook")]
        assert "2 of 3 images" in found.problems[0].reason
        assert found.records[0].source == "u"

    def test_columns_may_stand_in_any_order_below_a_title(self, database: Path) -> None:
        rows = [("url", "File Name"), *((f"s{n}", f"COVID-{n}") for n in (1, 2, 10))]
        workbook(database / "COVID.metadata.xlsx", rows, header=("COVID images",))
        assert [record.source for record in scan(database).records[:3]] == ["s1", "s2", "s10"]

    @pytest.mark.parametrize("damage", ["text", "cut", "not a workbook", "unfolds", "no columns", "no sheet", "pipe"])
    def test_a_damaged_workbook_is_a_problem_and_the_scan_goes_on(self, database: Path, damage: str) -> None:
        path = database / "COVID.metadata.xlsx"
        workbook(path, [("COVID-1", "PNG", "1*1", "u")], header=("a", "b") if damage == "no columns" else None)
        data = path.read_bytes()
        if damage == "text":
            path.write_bytes(b"hello")
        elif damage == "cut":
            path.write_bytes(data[: len(data) // 2])
        elif damage == "not a workbook":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("x.txt", "x")
        elif damage == "pipe":
            path.unlink()
            os.mkfifo(path)
        elif damage == "unfolds":
            with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("bomb.xml", bytes(70 * 2**20))
        elif damage == "no sheet":
            with zipfile.ZipFile(path) as old:
                parts = {name: old.read(name) for name in old.namelist()}
            with zipfile.ZipFile(path, "w") as archive:
                for name, part in parts.items():
                    archive.writestr(name, b"<worksheet" if "sheet1" in name else part)
        found = scan(database)
        assert len(found.records) == 6
        assert kinds(found) == [("COVID.metadata.xlsx", "workbook")]
        assert found.problems[0].reason.endswith("the sources of its images are not known")
        assert found.classes["COVID"].sources == {}


class TestJson:
    def test_the_keys_are_as_promised(self, database: Path) -> None:
        put(database, "COVID/images/COVID-11.png", picture(501))
        put(database, "COVID/images/COVID-12.png", b"")
        put(database, "COVID/masks/COVID-12.png", picture(1, (10, 8)))
        put(database, "COVID/masks/COVID-11.png", picture(1, (10, 8)))
        values = json.loads(json.dumps(scan(database).to_dict()))
        assert {"classes", "problems", "duplicates"} <= set(values)
        assert (values["classes"]["COVID"]["images"], values["classes"]["COVID"]["masks"]) == (4, 4)
        (problem,) = values["problems"]
        reason = "it is empty (0 bytes); copy it again"
        assert problem == {"file": "COVID/images/COVID-12.png", "kind": "unreadable", "reason": reason}
        assert values["duplicates"] == {
            "exact": [["COVID/images/COVID-1.png", "COVID/images/COVID-11.png"]],
            "near": [],
        }


class TestProgress:
    def test_it_grows_to_the_total(self, database: Path) -> None:
        events: list[Event] = []
        scan(database, context=Context(events.append))
        progress = [event for event in events if isinstance(event, Progress)]
        assert {event.task for event in progress} == {"scan"}
        assert {event.total for event in progress} == {6}
        done = [event.done for event in progress]
        assert done == sorted(done)
        assert done[-1] == 6

    def test_it_is_told_at_most_ten_times_a_second(self) -> None:
        events: list[Event] = []
        pulse = Pulse(events.append, "scan", 100)
        started = time.monotonic()
        for done in range(1, 101):
            pulse(done)
            time.sleep(0.003)
        assert 3 <= len(events) <= 10 * (time.monotonic() - started) + 2

    def test_a_stop_ends_it_soon(self, database: Path) -> None:
        for number in range(300):
            put(database, f"COVID/images/more-{number}.png", picture(0))
        stop = Stop()
        seen: list[int] = []

        def emit(event: Event) -> None:
            assert isinstance(event, Progress)
            seen.append(event.done)
            stop.request("now")

        with pytest.raises(Stopped, match="stopped"):
            scan(database, context=Context(emit, stop))
        assert len(seen) == 1
        assert seen[0] < 100

    def test_threads_end_with_the_scan(self, database: Path) -> None:
        before = threading.active_count()
        scan(database)
        assert threading.active_count() == before


class TestSpread:
    def test_results_come_in_order(self) -> None:
        def slow_at_first(item: int) -> int:
            time.sleep(0.02 if item < 3 else 0)
            return item * item

        assert list(spread(slow_at_first, range(100), None)) == [n * n for n in range(100)]
        assert list(spread(slow_at_first, [], None)) == []

    def test_little_is_done_ahead_of_the_consumer(self) -> None:
        started: list[int] = []

        def work(item: int) -> int:
            started.append(item)
            time.sleep(0.002)
            return item

        workers = len(os.sched_getaffinity(0))
        results = spread(work, range(100_000), None)
        assert next(results) == 0
        time.sleep(0.3)
        assert len(started) <= 8 * (2 * workers + 1)
        results.close()

    def test_leaving_early_starts_nothing_more(self) -> None:
        started: list[int] = []

        def work(item: int) -> int:
            started.append(item)
            time.sleep(0.005)
            return item

        results = spread(work, range(1000), None)
        next(results)
        before = len(started)
        results.close()
        assert len(started) <= before + len(os.sched_getaffinity(0))

    def test_an_exception_comes_through_and_ends_the_work(self) -> None:
        done: list[int] = []

        def fail(item: int) -> None:
            if item == 20:
                raise ZeroDivisionError
            done.append(item)

        with pytest.raises(ZeroDivisionError):
            list(spread(fail, range(10_000), None))
        assert len(done) < 1000

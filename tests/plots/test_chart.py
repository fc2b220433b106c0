"""Charts with sliders: what they hold, and what a browser makes of them."""

import dataclasses
import json
import re

import numpy as np
import pytest

from lowrot import plots
from lowrot.plots import Axis, Chart, Curve, Slider

X = Axis("x", 1, 100, [1, 10, 100], log=True)
Y = Axis("y", 0, 2, [0, 1, 2])


def chart(frames=4, **changes):
    moving = [([1, 10, np.nan, 100], [k / 2, 1, 1, 2]) for k in range(frames)]
    curves = [
        Curve("still", [([1, 100], [0, 2])], "plus"),
        Curve("moving", moving, "minus dashed"),
        Curve("", [([10], [k / 2]) for k in range(frames)], "ink dots"),
    ]
    said = [f"frame {k}" for k in range(frames)]
    return Chart("a < b", X, Y, curves, **({"readout": said} | changes))


def sliders():
    return [Slider("first", ["a", "b"], start=1), Slider("second", ["c", "d"])]


def test_numbers_are_tenths_of_the_picture_and_in_the_table():
    shown = plots.explorer(chart(), sliders(), description="words")
    (panel,) = json.loads(re.search(r'application/json">(.*?)</script>', str(shown), re.S)[1])[
        "panels"
    ]
    line = panel["moving"][0][1]
    # From x = 46 to 324 over two decades, from y = 208 up to 8.
    assert line == [460, 1580, 1850, 1080, None, 3240, 80]
    assert "a < b,moving,chart,3,1,1.5," in shown.table
    assert "a < b,still,chart,,100,2," in shown.table


def test_no_tick_stands_beyond_its_axis():
    axes = dataclasses.replace(X, ticks=[*X.ticks, 2 * X.high])
    shown = str(plots.explorer(dataclasses.replace(chart(), x=axes), sliders(), description="w"))
    assert shown == str(plots.explorer(chart(), sliders(), description="w"))


def test_several_charts_have_letters():
    alone = str(plots.explorer(chart(), sliders(), description="words"))
    several = plots.explorer([chart(), chart()], sliders(), description="words")
    titles = [re.findall(r"<p>(?!<span)(.*?)</p>", text) for text in (alone, str(several))]
    assert titles == [["a &lt; b"], ["(a) a &lt; b", "(b) a &lt; b"]]
    assert "(a)" not in several.table


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"has \[1, 3\] frames; expected 4"):
        plots.explorer(chart(3), sliders(), description="words")
    with pytest.raises(TypeError, match="sliders"):
        plots.explorer(chart(), ["a"], description="words")


@pytest.fixture
def page(browser):
    context = browser.new_context()
    tab = context.new_page()
    tab.errors = []
    tab.on("pageerror", lambda error: tab.errors.append(str(error)))
    yield tab
    context.close()


def show(page, fragment):
    page.set_content(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>t</title><main><h1>h</h1>'
        f"{fragment}</main>"
    )


def test_two_sliders_choose_a_frame(page):
    show(page, plots.explorer(chart(), sliders(), description="words"))
    first, second = page.locator("input[type=range]").all()
    shown = page.locator("path.moving").first
    assert shown.get_attribute("d") == "M46 108L185 108M324 8"  # places 1 and 0: frame 2
    second.focus()
    page.keyboard.press("ArrowRight")
    assert shown.get_attribute("d") == "M46 58L185 108M324 8"
    assert second.get_attribute("aria-valuetext") == "d; a < b: frame 3"
    assert page.locator(".readout").inner_text() == "frame 3"
    first.focus()
    page.keyboard.press("Home")
    assert page.locator(".readout").inner_text() == "frame 1"
    assert page.locator("path.dots.moving").get_attribute("d") == "M185 158h0"
    assert page.errors == []


def test_without_a_script_it_is_a_picture(browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    show(page, plots.explorer(chart(), sliders(), description="words"))
    assert page.locator("path.moving").first.get_attribute("d") == "M46 108L185 108M324 8"
    assert page.locator(".readout").inner_text() == "frame 2"
    assert not page.locator("input").first.is_visible()
    context.close()


def test_accessible(page):
    axe = pytest.importorskip("axe_playwright_python.base")
    show(page, plots.explorer(chart(), sliders(), description="words"))
    page.evaluate(axe.AXE_SCRIPT)
    found = page.evaluate("async () => (await axe.run(document)).violations.map(v => v.id)")
    assert found == []


def test_script_and_style_are_small():
    from importlib.resources import files

    sizes = [len(files("lowrot.plots").joinpath(f"live.{k}").read_bytes()) for k in ("js", "css")]
    assert sum(sizes) < 20_000

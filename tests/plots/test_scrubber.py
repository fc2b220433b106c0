"""The scrubber: what it encodes, what it refuses, and what a browser makes of it."""

import json
import math
import re
from importlib.resources import files

import numpy as np
import pytest

import lowrot
from lowrot import plots
from lowrot.path import Path
from lowrot.plots import _scrubber

PLANE = lowrot.collapsed_groups(3, 2, sizes=2)
SPACE = lowrot.collapsed_groups(3, 3, sizes=2)
TAUS = [0.0, 1.0, 2.5]
# Two neurons: one turns by 200 degrees in three frames, one keeps its direction and loses its mass.
ANGLES = np.radians([[10, 60], [110, 60], [210, 60]])
MASSES = np.array([[1.0, -1.0], [3.0, -1.0], [1.0, 0.0]])


def plane(**changes):
    directions = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=2)
    values = {"directions": directions, "masses": MASSES, "readout": {"margin": np.arange(3) / 8}}
    return plots.Panel("a < b", PLANE, **(values | changes))


def space():
    directions = np.zeros((3, 2, 3))
    directions[:, 0], directions[:, 1] = [0.0, 0.0, 5.0], [0.0, 0.0, -2.0]
    return plots.Panel("space", SPACE, directions=directions, masses=MASSES)


def record(shown):
    return json.loads(re.search(r'application/json">(.*?)</script>', str(shown), re.S)[1])


def test_frames_hold_unwrapped_angles_and_roots_of_shares():
    shown = record(plots.scrubber(plane(), TAUS, description="neurons"))
    (panel,) = shown["panels"]
    assert shown["controls"][0] == ["τ = 0", "τ = 1", "τ = 2.5"]
    turned = np.array(panel["directions"]) / 1000
    assert np.allclose(turned - turned[0], ANGLES - ANGLES[0], atol=2e-3)
    squares = (np.array(panel["shares"]) / 1000) ** 2
    assert np.allclose(squares, [[0.5, 0.5], [0.75, 0.25], [1, 0]], atol=2e-3)
    assert np.sign(panel["shares"]).tolist() == [[1, -1], [1, -1], [1, 0]]
    assert panel["readout"] == ["margin 0", "margin 0.125", "margin 0.25"]
    assert _scrubber._reading("τ", 0.5) == "τ = 0.5"


def test_space_is_seen_as_unit_vectors():
    (panel,) = record(plots.scrubber(space(), TAUS, description="neurons"))["panels"]
    seen = np.array(panel["directions"][0]).reshape(2, 3) / 1000
    assert np.allclose(np.linalg.norm(seen, axis=1), 1, atol=2e-3)
    assert seen[0, 2] > 0 > seen[1, 2]


def test_a_path_gives_the_last_saved_time_not_after_each():
    V = np.array([[[1.0, 0.0]], [[0.0, 2.0]], [[-3.0, 0.0]]])
    path = Path(
        {"tau": np.array([0.0, 1.0, 2.0]), "margin": np.array([0.1, 0.2, 0.3])},
        {"a": np.array([[1.0], [-1.0], [2.0]]), "V": V},
    )
    panel = plots.Panel.from_path(
        path, PLANE, title="path", taus=[0.5, 1.0, 9.0], readout={"m": "margin"}
    )
    assert panel.masses.tolist() == [[1.0], [-2.0], [6.0]]
    assert panel.directions.tolist() == V.tolist()
    assert panel.readout["m"].tolist() == [0.1, 0.2, 0.3]
    with pytest.raises(ValueError, match="path starts at tau = 0"):
        plots.Panel.from_path(path, PLANE, title="path", taus=[-1.0])


def test_the_fragment_asks_for_nothing_from_outside():
    text = str(plots.scrubber([plane(), space()], TAUS, description='quotes " and <tags>'))
    assert "http" not in text
    assert "src=" not in text
    assert "url(" not in text
    assert "a &lt; b" in text
    assert 'aria-label="quotes &quot; and &lt;tags&gt;"' in text
    assert (
        text
        == plots.scrubber([plane(), space()], TAUS, description='quotes " and <tags>')._repr_html_()
    )


def test_no_class_is_one_that_icon_fonts_replace():
    script = files("lowrot.plots").joinpath("live.js").read_text("utf8")
    text = str(plots.scrubber([plane(), space()], TAUS, description="neurons"))
    names = set(re.findall(r"[a-z]+", " ".join(re.findall(r'class="([^"]*)"', text)))) | set(
        re.findall(r'" ([a-z]+)"', script)
    )
    assert "behind" in names
    assert not names & {"fa", "fab", "fad", "fal", "far", "fas", "fat", "icon"}


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="d = 4; a panel draws d = 2 or 3"):
        plots.Panel(
            "four",
            lowrot.sparse_parity(4),
            directions=np.zeros((1, 1, 4)),
            masses=np.ones((1, 1)),
        )
    with pytest.raises(ValueError, match=r"directions has shape \(3, 2, 2\); expected \(2, 2, 2\)"):
        plane(masses=MASSES[:2])
    with pytest.raises(ValueError, match=r"readout\['margin'\] has shape \(2,\)"):
        plane(readout={"margin": np.zeros(2)})
    with pytest.raises(ValueError, match="3 frames; expected 2"):
        plots.scrubber(plane(), TAUS[:2], description="neurons")
    with pytest.raises(ValueError, match="texts has 1 entries; expected 3"):
        plots.scrubber(plane(), TAUS, description="neurons", texts=["a"])
    with pytest.raises(ValueError, match="panels is empty"):
        plots.scrubber([], TAUS, description="neurons")


@pytest.fixture
def page(browser):
    body = str(plots.scrubber([plane(), space()], TAUS, description="neurons"))
    context = browser.new_context(color_scheme="dark")
    tab = context.new_page()
    tab.errors = []
    tab.on("pageerror", lambda error: tab.errors.append(str(error)))
    tab.on("console", lambda message: tab.errors.append(message.text))
    title = '<html lang="en"><meta charset="utf-8"><title>t</title><main><h1>h</h1>'
    tab.set_content(f"<!doctype html>{title}{body}</main>")
    yield tab
    context.close()


def neuron(page, index):
    dot = page.locator(".circle .dot").nth(index)
    return {name: dot.get_attribute(name) for name in ("cx", "cy", "r", "class")}


def test_keys_move_the_neurons(page):
    slider = page.locator("input[type=range]")
    said = "τ = {:g}; a < b: margin {:g}; space"
    assert slider.get_attribute("aria-valuetext") == said.format(0, 0)  # the start of training
    slider.focus()
    for key, frame in (("Home", 0), ("ArrowRight", 1), ("End", 2)):
        page.keyboard.press(key)
        angle, found = ANGLES[frame, 0], neuron(page, 0)
        assert float(found["cx"]) == pytest.approx(100 * math.cos(angle), abs=0.2)
        assert float(found["cy"]) == pytest.approx(-100 * math.sin(angle), abs=0.2)
        assert slider.get_attribute("aria-valuetext") == said.format(TAUS[frame], frame / 8)
        assert page.locator("output").inner_text() == f"τ = {TAUS[frame]:g}"
        assert page.locator(".readout").first.inner_text() == f"margin {frame / 8:g}"
    assert neuron(page, 1)["class"] == "dot plus"  # no mass is drawn as the smallest positive
    page.keyboard.press("Home")
    assert neuron(page, 1)["class"] == "dot minus"
    assert page.errors == []


SAID = """() => {
  const button = document.querySelector('button');
  window.said = [];
  new MutationObserver(() => window.said.push(button.textContent))
    .observe(button, {childList: true, characterData: true, subtree: true});
}"""
"""Keep what the button says: a machine that stalls plays to the end before anybody asks."""


def test_the_button_plays_to_the_end_and_says_where_it_ends(page):
    button, slider = page.locator("button"), page.locator("input[type=range]")
    assert button.inner_text() == "Play"
    assert page.locator(".said").inner_text() == ""
    page.evaluate(SAID)
    button.click()
    page.wait_for_function("window.said.length > 1")
    assert page.evaluate("window.said") == ["Pause", "Play"]
    assert slider.input_value() == "2"
    assert page.locator(".said").inner_text() == "τ = 2.5; a < b: margin 0.25; space"
    assert neuron(page, 0)["cx"] == f"{100 * math.cos(ANGLES[2, 0]):.1f}"


def test_who_asked_for_less_motion_goes_step_by_step(page):
    page.emulate_media(reduced_motion="reduce")
    button, slider = page.locator("button"), page.locator("input[type=range]")
    page.wait_for_function("document.querySelector('button').textContent === 'Step'")
    for place in ("1", "2", "0"):
        button.click()
        page.wait_for_timeout(400)
        assert slider.input_value() == place


def test_without_a_script_it_is_the_first_frame(browser):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.set_content(str(plots.scrubber([plane(), space()], TAUS, description="neurons")))
    assert neuron(tab, 0)["cx"] == f"{100 * math.cos(ANGLES[0, 0]):.1f}"
    assert neuron(tab, 1)["class"] == "dot minus"
    assert not tab.locator("button").is_visible()
    context.close()


def test_numbers_are_in_the_table():
    table = plots.scrubber(plane(), TAUS, description="neurons").table.splitlines()
    assert table[0] == "panel,series,kind,frame,x,y,value"
    x, y = math.cos(ANGLES[1, 0]), math.sin(ANGLES[1, 0])
    assert f"a < b,neuron 1,direction,1,{x:.8g},{y:.8g},3" in table
    assert "a < b,margin,readout,2,,,0.25" in table


def test_the_far_side_is_faint_and_the_night_is_bright(page):
    page.locator("input[type=range]").press("End")
    looks = [d.get_attribute("class") for d in page.locator(".sphere .dot").all()]
    assert looks == ["dot plus", "dot plus behind"]
    paint = "e => getComputedStyle(e).color"
    assert page.locator(".circle .point.plus").first.evaluate(paint) == "rgb(86, 180, 233)"
    page.evaluate("() => { document.documentElement.dataset.theme = 'light'; }")
    assert page.locator(".circle .point.plus").first.evaluate(paint) == "rgb(0, 114, 178)"


def test_accessible(page):
    axe = pytest.importorskip("axe_playwright_python.base")
    page.evaluate(axe.AXE_SCRIPT)
    found = page.evaluate("async () => (await axe.run(document)).violations.map(v => v.id)")
    assert found == []


def test_what_is_no_plain_number_is_refused():
    masked = np.ma.masked_array(np.ones((3, 2)), np.eye(3, 2))
    good = {"directions": np.ones((3, 2, 2)), "masses": np.ones((3, 2))}
    for change, words in [
        ({"masses": masked}, "masses is a masked array"),
        ({"directions": np.ma.masked_array(good["directions"], True)}, "directions is a masked"),
        ({"directions": 1j * good["directions"]}, "directions is .*; expected real numbers"),
        ({"readout": {"m": masked[:, 0]}}, r"readout\['m'\] is a masked array"),
        ({"readout": None}, "readout is a NoneType; expected a Mapping"),
    ]:
        with pytest.raises(TypeError, match=words):
            plots.Panel("title", PLANE, **good | change)
    with pytest.raises(TypeError, match="data is a NoneType; expected a Dataset"):
        plots.Panel("title", None, **good)
    panel = plots.Panel("title", PLANE, **good)
    for taus in (np.ma.masked_array([0.0, 1.0, 2.0], [0, 1, 0]), "012"):
        with pytest.raises(TypeError, match="taus is"):
            plots.scrubber(panel, taus, description="what it shows")
    with pytest.raises(ValueError, match=r"taus is .*; expected at least one"):
        plots.scrubber(panel, [0.0, np.nan, 2.0], description="what it shows")


def test_numbers_have_a_true_minus_sign_and_powers_of_ten():
    shown = [_scrubber._number(value) for value in (-4.444, 0.25, -1.5e-5, 1e12)]
    assert shown == ["−4.44", "0.25", "−1.5 · 10⁻⁵", "1 · 10¹²"]

"""Tasks side by side."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.beds.server import Api, Running


@pytest.fixture(scope="module")
def tasks(server: Running) -> list[str]:
    """Three tasks of one recipe at different rates, two of them with a curve."""
    api = Api(server)
    ids = []
    for at, lr in enumerate(("0.1", "0.2", "0.3")):
        parameters = {
            name: {"section": "Args", "name": name, "value": value}
            for name, value in {"lr": lr, "seed": "7"}.items()
        }
        body = {"type": "training", "hyperparams": {"Args": parameters}}
        task = api("tasks.create", name=f"rate {lr}", **body)["id"]
        ids.append(task)
        if at < 2:
            points = [
                {
                    "type": "training_stats_scalar",
                    "task": task,
                    "metric": "loss",
                    "variant": "train",
                    "iter": step,
                    "value": (at + 1) / (step + 1),
                }
                for step in range(5)
            ]
            api.batch("events.add_batch", points)
    return ids


def test_what_differs_is_shown_and_the_rest_when_asked(
    page: Page, server: Running, tasks: list[str]
) -> None:
    page.goto(f"{server.url}/compare?ids={','.join(tasks)}")
    grid = page.get_by_role("grid", name="Configuration side by side")
    row = grid.get_by_role("row").filter(has_text="lr")
    expect(row).to_contain_text("0.1")
    expect(row).to_contain_text("0.3")
    expect(grid).not_to_contain_text("seed")
    page.get_by_role("button", name="Everything").click()
    expect(grid).to_contain_text("seed")


def test_values_and_curves_stand_side_by_side(
    page: Page, server: Running, tasks: list[str]
) -> None:
    page.goto(f"{server.url}/compare?ids={','.join(tasks)}")
    row = page.get_by_role("row").filter(has_text="loss / train")
    expect(row).to_contain_text("0.2")
    expect(row).to_contain_text("0.4")
    chart = page.get_by_role("figure", name="loss train by step")
    expect(chart.get_by_role("button")).to_have_text(["rate 0.1 0.2", "rate 0.2 0.4"])
    expect(chart.locator("canvas")).to_be_visible()


def test_tasks_are_added_and_left_out(page: Page, server: Running, tasks: list[str]) -> None:
    page.goto(f"{server.url}/compare?ids={tasks[0]}")
    page.get_by_role("button", name="Add a task").click()
    page.get_by_label("Name or id").fill("rate 0.3")
    page.get_by_role("dialog").get_by_role("button", name="rate 0.3").click()
    expect(page).to_have_url(f"{server.url}/compare?ids={tasks[0]}%2C{tasks[2]}")
    page.get_by_role("button", name="Leave out rate 0.1").click()
    expect(page).to_have_url(f"{server.url}/compare?ids={tasks[2]}")

"""MLflow's own pages in a real browser, on our server: what a notebook and a pipeline have logged can be looked at."""

import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from adapters import open_platform
from loopwright.clock import ReplayClock
from loopwright.definitions.project import load_project
from pipelines.ui import located, place
from tests.clouds.tools import MissingToolError
from tests.contracts.worlds import WORLDS
from tests.mlflow import browser as looking
from tests.mlflow import bundle
from tests.mlflow.logged import MODEL, NOTEBOOK, TEXT, Logged, logged
from tests.mlflow.ours import served
from tests.pipelines.weather import AT, FOLDER, World


@dataclass(frozen=True)
class Site:
    """A server with something to look at, a browser, and a folder for pictures."""

    url: str
    logged: Logged
    browser: BrowserContext
    pictures: Path

    def tab(self, path: str) -> AbstractContextManager[looking.Tab]:
        return looking.tab(self.browser, self.url, path)

    @property
    def notebook(self) -> str:
        return f"/experiments/{self.logged.experiment}"

    @property
    def run(self) -> str:
        return f"{self.notebook}/runs/{self.logged.runs[2]}"

    @property
    def pipeline_run(self) -> str:
        return f"/experiments/{self.logged.pipeline_experiment}/runs/{self.logged.pipeline_run}"


@pytest.fixture(scope="module")
def browser() -> Iterator[BrowserContext]:
    # As long as this module only: while it is open there is an event loop in this thread.
    try:
        with looking.opened() as browser:
            yield browser
    except MissingToolError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module", params=["local", "ministack", "google"])
def site(
    request: pytest.FixtureRequest, browser: BrowserContext, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    try:
        folder = bundle.folder()
    except MissingToolError as error:
        pytest.skip(f"MLflow's UI is not to be had: {error}")
    with WORLDS[request.param]() as settings:
        assert settings.clock_file is not None
        ReplayClock(settings.clock_file).set(AT)
        project = load_project(FOLDER)
        platform = open_platform(settings)
        world = World(platform, project, sys.modules[f"loopwright_project_{FOLDER.name}"]).fill()
        with located(folder) as source:
            place(platform.blobs, source)
        with served(platform, project) as url:
            yield Site(url, logged(url, world), browser, tmp_path_factory.mktemp(f"pictures-{request.param}"))
        platform.close()


everywhere = pytest.mark.parametrize("site", ["local", "ministack", "google"], indirect=True)
quick = pytest.mark.parametrize("site", ["local"], indirect=True)


@quick
def test_the_first_page_lists_the_newest_experiments(site: Site) -> None:
    with site.tab("/") as tab:
        tab.shows("Welcome to MLflow", "Recent Experiments", NOTEBOOK, "rain")
        tab.keep(site.pictures / "first.png")
        tab.is_well()


@quick
def test_experiments_are_listed(site: Site) -> None:
    with site.tab("/experiments") as tab:
        tab.shows(NOTEBOOK, "rain", "trees, tried by hand")
        tab.keep(site.pictures / "experiments.png")
        tab.is_well()


@everywhere
def test_the_runs_of_a_notebook_are_listed(site: Site) -> None:
    with site.tab(f"{site.notebook}/runs") as tab:
        tab.shows("try-0", "try-1", "try-2", "3 matching runs", "flights (5eed)")
        tab.keep(site.pictures / "runs.png")
        tab.is_well()


@quick
def test_runs_are_found_by_what_is_asked_for(site: Site) -> None:
    with site.tab(f"{site.notebook}/runs") as tab:
        tab.shows("3 matching runs")
        search = tab.page.get_by_placeholder("metrics.rmse", exact=False)
        search.fill('metrics.loss < 0.35 and params.depth = "4"')
        search.press("Enter")
        tab.shows("1 matching run")
        expect(tab.page.get_by_text("try-1").first).to_be_visible()
        expect(tab.page.get_by_text("try-0")).to_have_count(0)
        tab.is_well()


@quick
def test_metrics_of_several_runs_are_drawn_beside_each_other(site: Site) -> None:
    with site.tab(f"{site.notebook}/runs?compareRunsMode=CHART") as tab:
        tab.shows("Model metrics", "auc", "loss")
        expect(tab.page.locator("path.js-line").first).to_be_visible(timeout=30_000)
        assert "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval" in tab.asked
        tab.keep(site.pictures / "charts.png")
        tab.is_well()


@everywhere
def test_two_runs_are_compared(site: Site) -> None:
    one, other = site.logged.runs[:2]
    with site.tab(f'/compare-runs?runs=["{one}","{other}"]&experiments=["{site.logged.experiment}"]') as tab:
        tab.shows("Comparing 2 Runs from 1 Experiment", "try-0", "try-1", "depth", "0.79", "0.82")
        tab.keep(site.pictures / "compared.png")
        tab.is_well()


@everywhere
def test_a_run_tells_everything_that_was_logged(site: Site) -> None:
    with site.tab(site.run) as tab:
        tab.shows("try-2", "Finished", "ada", "flights (5eed)", "team", "A note", "that explains it")
        tab.shows("Metrics (2)", "0.85", "Parameters (2)", "depth")
        assert "/graphql" in tab.asked
        tab.keep(site.pictures / "run.png")
        tab.is_well()


@quick
def test_a_metrics_course_is_drawn(site: Site) -> None:
    with site.tab(f"{site.run}/model-metrics") as tab:
        tab.shows("auc", "loss")
        expect(tab.page.locator("path.js-line").first).to_be_visible(timeout=30_000)
        tab.keep(site.pictures / "metrics.png")
        tab.is_well()


@everywhere
def test_an_artifact_of_text_can_be_read(site: Site) -> None:
    with site.tab(f"{site.run}/artifacts/notes/tree.txt") as tab:
        tab.shows("card.json", "notes", "tree.txt", TEXT)
        assert "/get-artifact" in tab.asked
        tab.keep(site.pictures / "artifact.png")
        tab.is_well()


@everywhere
def test_a_pipelines_run_tells_where_it_comes_from(site: Site) -> None:
    with site.tab(site.pipeline_run) as tab:
        tab.shows("Finished", "loopwright.commit", "loopwright.environment", "roc_auc", "log_loss", "observations")
        tab.keep(site.pictures / "pipeline.png")
        tab.is_well()


@quick
def test_a_pipelines_model_card_can_be_read(site: Site) -> None:
    with site.tab(f"{site.pipeline_run}/artifacts/model/card.md") as tab:
        tab.shows("lineage", "verdict.json", "card.md")
        tab.keep(site.pictures / "card.png")
        tab.is_well()


@quick
def test_registered_models_are_listed_with_their_aliases(site: Site) -> None:
    with site.tab("/models") as tab:
        tab.shows(MODEL, "rain", "Version 2")
        tab.keep(site.pictures / "models.png")
        tab.is_well()


@quick
def test_a_registered_model_tells_its_versions(site: Site) -> None:
    with site.tab(f"/models/{MODEL}") as tab:
        tab.shows("how late a flight will be", "owner", "Version 1", "Version 2", "@ candidate")
        tab.keep(site.pictures / "model.png")
        tab.is_well()


@everywhere
def test_a_version_tells_its_run_its_aliases_and_its_tags(site: Site) -> None:
    with site.tab(f"/models/{MODEL}/versions/2") as tab:
        tab.shows("try 1", "try-1", "@ candidate", "reviewed", "by hand")
        tab.keep(site.pictures / "version.png")


@everywhere
def test_the_champion_of_a_pipeline_is_a_version_with_that_alias(site: Site) -> None:
    with site.tab("/models/rain/versions/1") as tab:
        tab.shows("Version 1", "@ champion")
        tab.keep(site.pictures / "champion.png")
        tab.is_well()


@quick
def test_trouble_on_a_page_is_noticed(site: Site) -> None:
    with site.tab("/experiments/999999/runs") as tab:
        tab.shows("no experiment")
        with pytest.raises(AssertionError, match="the page "):
            tab.is_well()
    with site.tab("/experiments") as tab:
        tab.shows(NOTEBOOK)
        tab.is_well()
        tab.page.evaluate("fetch('ajax-api/2.0/mlflow/nothing').then(() => document.title = 'asked')")
        tab.page.wait_for_function("document.title === 'asked'")
        with pytest.raises(AssertionError, match="mlflow/nothing: 501"):
            tab.is_well()


@quick
def test_a_note_is_written_and_a_run_renamed(site: Site) -> None:
    with site.tab(f"{site.notebook}/runs/{site.logged.runs[0]}") as tab:
        tab.shows("try-0")
        tab.page.get_by_test_id("overflow-menu-trigger").click()
        tab.page.get_by_text("Rename").click()
        tab.page.get_by_role("textbox").last.fill("the first try")
        tab.page.get_by_role("button", name=re.compile("Save|Rename")).click()
        tab.shows("the first try")
        tab.is_well()


@quick
@pytest.mark.parametrize(
    ("page", "text"),
    {
        "overview/usage": "No data available",
        "traces": "Start tracing your LLM application",
        "judges": "Create and manage judges",
        "datasets": "Create an evaluation dataset",
        "prompts": "Create your first prompt",
        "playground": "Add message",
        "models": "Track and compare versions",
    }.items(),
)
def test_pages_about_what_is_not_here_say_that_there_is_nothing(site: Site, page: str, text: str) -> None:
    with site.tab(f"{site.notebook}/{page}?workflowType=genai") as tab:
        tab.shows(text)
        tab.keep(site.pictures / f"nothing-{page.replace('/', '-')}.png")
        tab.is_well()


@quick
@pytest.mark.parametrize(("page", "text"), {"mcp-registry": "Create MCP server", "settings": "General"}.items())
def test_so_do_those_about_the_whole_server(site: Site, page: str, text: str) -> None:
    with site.tab(f"/{page}?workflowType=genai") as tab:
        tab.shows(text)
        tab.keep(site.pictures / f"nothing-{page}-of-all.png")
        tab.is_well()


@quick
def test_a_run_that_is_not_there_is_said_to_be_so(site: Site) -> None:
    missing = "0123456789abcdef0123456789abcdef"
    with site.tab(f"{site.notebook}/runs/{missing}") as tab:
        tab.shows(f"Run ID {missing} does not exist")
        tab.keep(site.pictures / "missing.png")
        assert not tab.wrong

"""What is kept of a page that was closed."""

from types import SimpleNamespace

from gradio.state_holder import StateHolder

from phoque.ui.demo import build_demo, leaver
from tests.ui.fakes import GRADIO_WARNINGS, FakeServices

pytestmark = [GRADIO_WARNINGS]


def test_the_settings_of_a_closed_page_are_dropped_and_its_conversation_is_not():
    services = FakeServices()
    page = build_demo(services)
    holder = StateHolder()
    holder.set_blocks(page)
    closed, other = holder["closed"], holder["other"]
    state = next(key for key, block in page.blocks.items() if block.stateful)
    closed[state] = "said so far"
    field = next(key for key, config in closed.config_values.items() if "value" in config["props"])
    leaver([services], page)(SimpleNamespace(session_hash="closed"))
    assert services.forgotten == ["closed"]
    assert closed.config_values == {}
    assert closed[state] == "said so far"
    assert other.config_values
    # A page that comes back goes on.
    closed._update_value_in_config(field, "again")
    assert closed.config_values[field]["props"]["value"] == "again"
    leaver([services], page)(SimpleNamespace(session_hash=None))

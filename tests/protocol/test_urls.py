import pytest

from protocol.urls import Address, address_of, path_of_project, project_of_path


@pytest.mark.parametrize(
    ("path", "project"),
    [
        ("", "default"),
        ("/", "default"),
        ("/?ticket=1", "default"),
        ("/projects/default", "default"),
        ("/projects/web", "web"),
        ("/projects/web/", "web"),
        ("/projects/web?ticket=1", "web"),
        ("/projects/a.b_c-9", "a.b_c-9"),
        ("/projects/" + "x" * 64, "x" * 64),
    ],
)
def test_a_path_chooses_a_project(path: str, project: str) -> None:
    assert project_of_path(path) == project


@pytest.mark.parametrize(
    "path",
    ["/project/web", "/projects", "/projectsx", "web", "//", "/api/health", "/projects/a/b"],
)
def test_another_path_is_refused_and_the_right_form_is_named(path: str) -> None:
    with pytest.raises(ValueError, match=r"/projects/NAME|a-z 0-9"):
        project_of_path(path)


@pytest.mark.parametrize(
    "name",
    ["", "Web", "a b", "ä", "..", ".", "a/b", "a\n", "x" * 65, "%61", "٣"],
)
def test_a_name_that_is_no_project_is_refused_with_the_rule(name: str) -> None:
    with pytest.raises(ValueError, match="a-z 0-9"):
        path_of_project(name)
    with pytest.raises(ValueError, match="a-z 0-9"):
        project_of_path(f"/projects/{name}")


@pytest.mark.parametrize("name", ["default", "web", "a.b_c-9"])
def test_the_path_of_a_project_leads_back_to_it(name: str) -> None:
    assert project_of_path(path_of_project(name)) == name


def test_the_default_project_is_the_root() -> None:
    assert path_of_project("default") == "/"


@pytest.mark.parametrize(
    ("url", "project", "address"),
    [
        ("ws://h:3335", None, Address("ws://h:3335", "h", "default")),
        ("ws://h:3335/", None, Address("ws://h:3335", "h", "default")),
        ("http://h:3335", None, Address("ws://h:3335", "h", "default")),
        ("https://h", None, Address("wss://h", "h", "default")),
        ("WS://h", None, Address("ws://h", "h", "default")),
        ("wss://h/projects/web", None, Address("wss://h/projects/web", "h", "web")),
        ("wss://h/projects/web/", None, Address("wss://h/projects/web", "h", "web")),
        ("ws://h/", "web", Address("ws://h/projects/web", "h", "web")),
        ("ws://h/projects/web", "web", Address("ws://h/projects/web", "h", "web")),
        ("ws://h/projects/default", None, Address("ws://h", "h", "default")),
        ("ws://[::1]:1/", None, Address("ws://[::1]:1", "::1", "default")),
    ],
)
def test_url_and_project_become_one_address(
    url: str, project: str | None, address: Address
) -> None:
    assert address_of(url, project) == address


def test_two_different_projects_are_refused_with_both_names() -> None:
    with pytest.raises(ValueError, match=r"'web', but 'app'"):
        address_of("ws://h/projects/web", "app")
    with pytest.raises(ValueError, match=r"'default', but 'app'"):
        address_of("ws://h/projects/default", "app")


@pytest.mark.parametrize(
    "url",
    [
        "h:3335",
        "localhost:3335",
        "ftp://h",
        "ws://",
        "ws://h:port",
        "ws://h:0",
        "ws://h:99999",
        "ws://[::1",
        "ws://h/?a=1",
        "ws://h/#a",
        "",
    ],
)
def test_an_unusable_url_is_refused_and_shown(url: str) -> None:
    with pytest.raises(ValueError, match="is no usable URL") as refusal:
        address_of(url)
    assert repr(url) in str(refusal.value)


@pytest.mark.parametrize("url", ["ws://me:hunter2@h", "ws://hunter2@h", "ws://:hunter2@h"])
def test_a_password_in_a_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ValueError, match="TASK_COORDINATOR_TOKEN") as refusal:
        address_of(url)
    assert "hunter2" not in str(refusal.value)


def test_a_long_text_is_cut_in_the_message() -> None:
    with pytest.raises(ValueError, match="…") as refusal:
        project_of_path("/" + "x" * 10_000)
    assert len(str(refusal.value)) < 300

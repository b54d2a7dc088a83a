"""The documents the demonstration searches: the project's own, found wherever the package is installed."""

from convex_mastra_emulator.demo.documents import project_documents


def test_the_readme_comes_first() -> None:
    readme, *others = project_documents()

    assert (readme.name, readme.kind) == ("README.md", "readme")
    assert "convex-mastra-emulator" in readme.text
    assert {document.kind for document in others} == {"module"}


def test_modules_of_every_folder_are_there() -> None:
    names = {document.name for document in project_documents()}

    assert {"emulator", "runtime.executor", "mastra.cache", "protocol.http", "demo.documents"} <= names


def test_the_text_of_a_module_is_its_docstring() -> None:
    texts = {document.name: document.text for document in project_documents()}

    assert texts["database.pagination"].strip()
    assert "import " not in texts["protocol.http"]


def test_names_are_unique_and_texts_not_empty() -> None:
    documents = project_documents()

    assert len({document.name for document in documents}) == len(documents)
    assert all(document.text.strip() for document in documents)
